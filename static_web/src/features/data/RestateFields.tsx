import { Field, Input, makeStyles, Select } from "@fluentui/react-components";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { LabelClass } from "@/api/types";

import type { Restating } from "./deeds";

const useStyles = makeStyles({
  root: { display: "grid", gap: "12px" },
  hint: { margin: 0 },
});

interface Props {
  value: Restating;
  classes: readonly LabelClass[];
  onChange: (value: Restating) => void;
}

/** What labels shall be instead: of another class, or as they were. */
export function RestateFields({ value, classes, onChange }: Props): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  if (value.what === "revert")
    return (
      <Field label={t("data.revertBefore")} hint={t("data.revertHint")}>
        <Input
          type="datetime-local"
          defaultValue=""
          onChange={(_, data) =>
            onChange({ ...value, before: data.value ? new Date(data.value).toISOString() : null })
          }
        />
      </Field>
    );
  const known = classes.filter((one) => !one.merged_into);
  const options = (those: readonly LabelClass[]) =>
    those.map((one) => (
      <option key={one.class_id} value={one.class_id}>
        {one.name}
      </option>
    ));
  return (
    <div className={styles.root}>
      <Field label={t("data.relabelFrom")}>
        <Select
          value={value.class_id ?? ""}
          onChange={(_, data) => onChange({ ...value, class_id: data.value || null })}
        >
          <option value="">{t("data.relabelAny")}</option>
          {options(known)}
        </Select>
      </Field>
      <Field label={t("data.relabelInto")} hint={t("data.relabelHint")}>
        <Select value={value.into} onChange={(_, data) => onChange({ ...value, into: data.value })}>
          {options(known.filter((one) => !one.retired))}
        </Select>
      </Field>
    </div>
  );
}

/** What one begins with. */
export function restating(what: Restating["what"], classes: readonly LabelClass[]): Restating {
  if (what === "revert") return { what, before: null };
  const first = classes.find((one) => !one.merged_into && !one.retired);
  return { what, class_id: null, into: first?.class_id ?? "" };
}
