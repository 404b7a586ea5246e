import { Field, Input, makeStyles, Switch, tokens } from "@fluentui/react-components";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { AssistSettings } from "@/api/types";

import { changeDraft, hasShapes } from "./draft";
import type { StepProps } from "./NewProject";

const useStyles = makeStyles({
  stack: { display: "grid", gap: "12px" },
  fields: {
    display: "grid",
    gap: "16px",
    gridTemplateColumns: "repeat(2, minmax(0, 280px))",
    "@media (max-width: 640px)": { gridTemplateColumns: "minmax(0, 1fr)" },
  },
  quiet: { margin: 0, color: tokens.colorNeutralForeground3 },
});

type Counted = "first_labels" | "next_labels";
type Share = "precision" | "confidence";

// What the API takes; a share is written in percent.
const count = { min: 20, max: 500_000, unit: 1 };
const share = { min: 60, max: 99.9, unit: 0.01 };

/** Whether models help, when, and how sure they must be. */
export function AssistStep({ draft, busy }: StepProps): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const { assist } = draft;
  const change = (changed: Partial<AssistSettings>) =>
    changeDraft({ assist: { ...assist, ...changed } });
  const field = (name: Counted | Share, { min, max, unit }: typeof count | typeof share) => (
    <Field label={t(`new.${name}`)} hint={t(`new.${name}_hint`)}>
      <Input
        type="number"
        min={min}
        max={max}
        defaultValue={String(+(assist[name] / unit).toFixed(1))}
        disabled={busy || !assist.on}
        {...(unit < 1 && { contentAfter: "%" })}
        onChange={(_, data) => {
          const value = Number(data.value);
          if (value >= min && value <= max) change({ [name]: +(value * unit).toFixed(3) });
        }}
        onBlur={({ target }) => {
          target.value = String(+(assist[name] / unit).toFixed(1));
        }}
      />
    </Field>
  );
  return (
    <div className={styles.stack}>
      <p className={styles.quiet}>{t("assist.about")}</p>
      <Switch
        label={t("new.assistOn")}
        checked={assist.on}
        disabled={busy}
        onChange={(_, data) => change({ on: data.checked })}
      />
      {!hasShapes(draft.type) && (
        <Switch
          label={t("new.similarFirst")}
          checked={assist.similar_first}
          disabled={busy || !assist.on}
          onChange={(_, data) => change({ similar_first: data.checked })}
        />
      )}
      <div className={styles.fields}>
        {field("first_labels", count)}
        {field("next_labels", count)}
        {field("precision", share)}
        {field("confidence", share)}
      </div>
    </div>
  );
}
