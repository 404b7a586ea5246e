import { Field, Input, makeStyles, Radio, RadioGroup, tokens } from "@fluentui/react-components";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { TaskType } from "@/api/types";
import { Icon } from "@/ui/Icon";

import { changeDraft, types } from "./draft";
import type { StepProps } from "./NewProject";
import { TypePicture } from "./TypePicture";

const useStyles = makeStyles({
  stack: { display: "grid", gap: "16px" },
  name: { maxWidth: "480px" },
  words: {
    display: "grid",
    alignItems: "start",
    gap: "16px",
    gridTemplateColumns: "minmax(0, 1fr) minmax(0, 2fr)",
    "@media (max-width: 640px)": { gridTemplateColumns: "minmax(0, 1fr)" },
  },
  types: {
    display: "grid",
    gap: "8px",
    gridTemplateColumns: "repeat(4, minmax(0, 1fr))",
    // Apart from each other: which of two that both hold comes last is not ours to say.
    "@media (min-width: 480.1px) and (max-width: 900px)": {
      gridTemplateColumns: "repeat(2, minmax(0, 1fr))",
    },
    "@media (max-width: 480px)": { gridTemplateColumns: "minmax(0, 1fr)" },
  },
  type: {
    position: "relative",
    alignItems: "flex-start",
    border: `1px solid ${tokens.colorNeutralStroke1}`,
    borderRadius: "6px",
    padding: "6px 6px 8px",
    ":has(input:checked)": {
      outline: `2px solid ${tokens.colorCompoundBrandStroke}`,
      outlineOffset: "-1px",
    },
    ":has(input:focus-visible)": { boxShadow: `0 0 0 2px ${tokens.colorStrokeFocus2}` },
  },
  typeLabel: { display: "grid", gap: "4px" },
  typeName: { display: "flex", alignItems: "center", gap: "6px", fontWeight: 600 },
  quiet: { color: tokens.colorNeutralForeground3, fontSize: "12px", lineHeight: "16px" },
});

/** The project's name, what labelers do, and words to find it by. */
export function DetailsStep({ draft, busy, problems }: StepProps): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  return (
    <div className={styles.stack}>
      <Field
        className={styles.name}
        label={t("new.name")}
        required
        {...(problems.name && { validationMessage: problems.name })}
      >
        <Input
          value={draft.name}
          maxLength={200}
          autoComplete="off"
          disabled={busy}
          onChange={(_, data) => changeDraft({ name: data.value })}
        />
      </Field>
      <Field label={t("new.type")} hint={t("new.typeHint")}>
        <RadioGroup
          className={styles.types}
          value={draft.type}
          disabled={busy}
          onChange={(_, data) => changeDraft({ type: data.value as TaskType })}
        >
          {types.map((type) => (
            <Radio
              key={type}
              className={styles.type}
              value={type}
              label={
                <span className={styles.typeLabel}>
                  <TypePicture type={type} />
                  <span className={styles.typeName}>
                    <Icon name={type} size={18} />
                    {t(`types.${type}.name`)}
                  </span>
                  <span className={styles.quiet}>{t(`types.${type}.text`)}</span>
                </span>
              }
            />
          ))}
        </RadioGroup>
      </Field>
      <div className={styles.words}>
        <Field label={t("new.team")} {...(problems.team && { validationMessage: problems.team })}>
          <Input
            value={draft.team}
            maxLength={80}
            disabled={busy}
            onChange={(_, data) => changeDraft({ team: data.value })}
          />
        </Field>
        <Field
          label={t("new.topics")}
          hint={t("new.topicsHint")}
          {...(problems.topics && { validationMessage: problems.topics })}
        >
          <Input
            value={draft.topics}
            autoComplete="off"
            disabled={busy}
            onChange={(_, data) => changeDraft({ topics: data.value })}
          />
        </Field>
      </div>
    </div>
  );
}
