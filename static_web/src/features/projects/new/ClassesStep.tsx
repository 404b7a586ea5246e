import { Field, makeStyles, Textarea } from "@fluentui/react-components";
import { useMemo, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { parseClasses } from "@/classes";

import { ClassPreview } from "../ClassPreview";
import { changeDraft } from "./draft";
import type { StepProps } from "./NewProject";

const useStyles = makeStyles({
  two: {
    display: "grid",
    gap: "16px 24px",
    gridTemplateColumns: "minmax(0, 1fr) minmax(0, 1fr)",
    "@media (max-width: 720px)": { gridTemplateColumns: "minmax(0, 1fr)" },
  },
  textarea: { minHeight: "200px" },
});

/** Classes, one a line, beside how labelers will see them. */
export function ClassesStep({ draft, busy, problems }: StepProps): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const parsed = useMemo(() => parseClasses(draft.classes), [draft.classes]);
  return (
    <div className={styles.two}>
      <Field
        label={t("new.classesLabel")}
        hint={t("new.classesHint")}
        required
        {...(problems.classes && { validationMessage: problems.classes })}
      >
        <Textarea
          value={draft.classes}
          textarea={{ className: styles.textarea }}
          resize="vertical"
          spellCheck={false}
          disabled={busy}
          onChange={(_, data) => changeDraft({ classes: data.value })}
        />
      </Field>
      <ClassPreview {...parsed} copied={draft.copied?.classes} />
    </div>
  );
}
