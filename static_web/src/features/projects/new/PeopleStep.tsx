import { Field, Input, makeStyles, Select, Textarea, tokens } from "@fluentui/react-components";
import { useId, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { Role } from "@/api/types";
import { parseClasses } from "@/classes";
import { parseWords } from "@/words";
import { AssignmentRules } from "@/features/quality/AssignmentRules";

import { changeDraft } from "./draft";
import type { StepProps } from "./NewProject";

const roles: Role[] = ["labeler", "reviewer", "admin"];

const useStyles = makeStyles({
  form: {
    display: "grid",
    gap: "12px 16px",
    gridTemplateColumns: "minmax(0, 1fr) minmax(160px, 220px)",
    alignItems: "start",
    "@media (max-width: 640px)": { gridTemplateColumns: "minmax(0, 1fr)" },
  },
  text: { minHeight: "112px" },
  side: { display: "grid", gap: "12px" },
  rules: { gridColumn: "1 / -1", display: "grid", gap: "8px", minWidth: 0 },
  title: { margin: "12px 0 0", fontSize: "14px", lineHeight: "20px", fontWeight: 600 },
  quiet: { margin: 0, color: tokens.colorNeutralForeground3 },
});

/** Who is let in from their first sign-in, and which images are for some of them alone. */
export function PeopleStep({ draft, busy, problems }: StepProps): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const rules = useId();
  return (
    <div className={styles.form}>
      <Field
        label={t("people.addresses")}
        hint={t("people.addressesHint")}
        {...(problems.people && { validationMessage: problems.people })}
      >
        <Textarea
          value={draft.people}
          textarea={{ className: styles.text }}
          resize="vertical"
          spellCheck={false}
          disabled={busy}
          onChange={(_, data) => changeDraft({ people: data.value })}
        />
      </Field>
      <div className={styles.side}>
        <Field label={t("people.role")} hint={t(`roles.${draft.role}.may`)}>
          <Select
            value={draft.role}
            disabled={busy}
            onChange={(_, data) => changeDraft({ role: data.value as Role })}
          >
            {roles.map((one) => (
              <option key={one} value={one}>
                {t(`roles.${one}.name`)}
              </option>
            ))}
          </Select>
        </Field>
        <Field label={t("people.tags")} hint={t("new.tagsHint")}>
          <Input
            value={draft.tags}
            disabled={busy}
            onChange={(_, data) => changeDraft({ tags: data.value })}
          />
        </Field>
      </div>
      <section className={styles.rules} aria-labelledby={rules}>
        <h3 id={rules} className={styles.title}>
          {t("assignment.title")}
        </h3>
        <p className={styles.quiet}>{t("new.rulesAbout")}</p>
        <AssignmentRules
          rules={draft.assignments}
          classes={parseClasses(draft.classes).names.map((name) => ({
            class_id: name,
            name,
            merged_into: "",
          }))}
          tags={parseWords(draft.tags)}
          disabled={busy}
          onChange={(assignments) => changeDraft({ assignments })}
        />
      </section>
    </div>
  );
}
