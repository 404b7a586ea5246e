import { Field, makeStyles, Select, Textarea } from "@fluentui/react-components";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { Role } from "@/api/types";

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
});

/** Who is let in from their first sign-in. */
export function PeopleStep({ draft, busy, problems }: StepProps): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
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
    </div>
  );
}
