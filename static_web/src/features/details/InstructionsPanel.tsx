import {
  Button,
  Field,
  Input,
  Link,
  makeStyles,
  Textarea,
  tokens,
} from "@fluentui/react-components";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { changeProject, projectQuery } from "@/api/queries";
import type { Project } from "@/api/types";
import { Icon } from "@/ui/Icon";
import { Panel } from "@/ui/Panel";

import { ChangeForm } from "./ChangeForm";

const useStyles = makeStyles({
  text: { whiteSpace: "pre-wrap", margin: "0 0 8px", maxWidth: "68ch" },
  quiet: { color: tokens.colorNeutralForeground3, margin: 0 },
  area: { minHeight: "200px" },
});

/** What labelers read first; admins write it here. */
export function InstructionsPanel({ project }: { project: Project }): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const [editing, setEditing] = useState(false);
  const { text, link } = project.instructions;
  return (
    <Panel
      title={t("instructions.title")}
      action={
        project.my_role === "admin" &&
        !editing && (
          <Button
            size="small"
            icon={<Icon name="edit" size={16} />}
            onClick={() => setEditing(true)}
          >
            {t("details.edit")}
          </Button>
        )
      }
    >
      {editing ? (
        <InstructionsForm project={project} onDone={() => setEditing(false)} />
      ) : (
        <>
          <p className={text ? styles.text : styles.quiet}>{text || t("instructions.none")}</p>
          {link && (
            <Link href={link} target="_blank" rel="noreferrer">
              {t("instructions.more")}
            </Link>
          )}
        </>
      )}
    </Panel>
  );
}

interface FormProps {
  project: Project;
  onDone: () => void;
}

function InstructionsForm({ project, onDone }: FormProps): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const [values, setValues] = useState(project.instructions);
  return (
    <ChangeForm
      shown={project}
      query={projectQuery(project.project_id)}
      change={(base) =>
        changeProject(base, {
          instructions: { text: values.text.trim(), link: values.link.trim() },
        })
      }
      overtaken={({ instructions }) => t("details.overtaken", { text: instructions.text || "–" })}
      telling={["link"]}
      onDone={onDone}
    >
      {(refused) => (
        <>
          <Field label={t("new.text")} hint={t("new.textHint")}>
            <Textarea
              textarea={{ className: styles.area }}
              resize="vertical"
              maxLength={20_000}
              value={values.text}
              onChange={(_, data) => setValues({ ...values, text: data.value })}
            />
          </Field>
          <Field
            label={t("new.link")}
            {...(refused && { validationMessage: t("new.missing.link") })}
          >
            <Input
              type="url"
              maxLength={2_000}
              value={values.link}
              onChange={(_, data) => setValues({ ...values, link: data.value })}
            />
          </Field>
        </>
      )}
    </ChangeForm>
  );
}
