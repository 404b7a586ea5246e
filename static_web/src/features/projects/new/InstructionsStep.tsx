import { Button, Field, Input, makeStyles, Textarea } from "@fluentui/react-components";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { changeDraft, hasShapes } from "./draft";
import type { StepProps } from "./NewProject";

const useStyles = makeStyles({
  stack: { display: "grid", gap: "16px" },
  text: { minHeight: "240px" },
  link: { maxWidth: "480px" },
});

/** What labelers read first, begun by the questions that good instructions answer. */
export function InstructionsStep({ draft, busy, problems }: StepProps): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const questions = hasShapes(draft.type) ? t("new.questionsOfShapes") : t("new.questionsOfTags");
  const begun = draft.text.includes(questions);
  return (
    <div className={styles.stack}>
      <Field label={t("new.text")} hint={t("new.textHint")}>
        <Textarea
          value={draft.text}
          textarea={{ className: styles.text }}
          resize="vertical"
          maxLength={20_000}
          disabled={busy}
          onChange={(_, data) => changeDraft({ text: data.value })}
        />
      </Field>
      <div>
        <Button
          disabledFocusable={busy || begun}
          onClick={() =>
            changeDraft({ text: [draft.text.trimEnd(), questions].filter(Boolean).join("\n\n") })
          }
        >
          {t("new.questions")}
        </Button>
      </div>
      <Field
        className={styles.link}
        label={t("new.link")}
        {...(problems.link && { validationMessage: problems.link })}
      >
        <Input
          value={draft.link}
          type="url"
          disabled={busy}
          onChange={(_, data) => changeDraft({ link: data.value })}
        />
      </Field>
    </div>
  );
}
