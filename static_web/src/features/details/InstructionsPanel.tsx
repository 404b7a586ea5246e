import {
  Button,
  Field,
  Input,
  Link,
  makeStyles,
  MessageBar,
  MessageBarBody,
  Textarea,
  tokens,
} from "@fluentui/react-components";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { ApiError } from "@/api/client";
import { changeProject, projectQuery } from "@/api/queries";
import type { Project } from "@/api/types";
import { problemText } from "@/problems";
import { announce } from "@/ui/announcer";
import { Icon } from "@/ui/Icon";
import { Panel } from "@/ui/Panel";

const useStyles = makeStyles({
  text: { whiteSpace: "pre-wrap", margin: "0 0 8px", maxWidth: "68ch" },
  quiet: { color: tokens.colorNeutralForeground3, margin: 0 },
  form: { display: "grid", gap: "12px" },
  area: { minHeight: "200px" },
  foot: { display: "flex", justifyContent: "flex-end", gap: "8px" },
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
  const queries = useQueryClient();
  const query = projectQuery(project.project_id);
  // What the changes are made to: somebody else's are never overwritten unseen.
  const [base, setBase] = useState(project);
  const [values, setValues] = useState(project.instructions);
  const [theirs, setTheirs] = useState<string | null>(null);
  const save = useMutation({
    mutationFn: () =>
      changeProject(base, {
        instructions: { text: values.text.trim(), link: values.link.trim() },
      }),
    onSuccess: (saved) => {
      queries.setQueryData(query.queryKey, saved);
      announce(t("details.saved"));
      onDone();
    },
    onError: async (error) => {
      if (!(error instanceof ApiError) || error.status !== 412) return;
      const fresh = await queries.query({ ...query, staleTime: 0 });
      setBase(fresh);
      setTheirs(fresh.instructions.text);
    },
  });
  const error = save.error instanceof ApiError && save.error.status === 412 ? null : save.error;
  const link =
    error instanceof ApiError && error.faults.some((one) => one.pointer.endsWith("link"));
  return (
    <form
      className={styles.form}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        if (!save.isPending) save.mutate();
      }}
    >
      {theirs !== null && (
        <MessageBar intent="warning" layout="multiline">
          <MessageBarBody>{t("details.overtaken", { text: theirs || "–" })}</MessageBarBody>
        </MessageBar>
      )}
      <Field label={t("new.text")} hint={t("new.textHint")}>
        <Textarea
          textarea={{ className: styles.area }}
          resize="vertical"
          maxLength={20_000}
          value={values.text}
          onChange={(_, data) => setValues({ ...values, text: data.value })}
        />
      </Field>
      <Field label={t("new.link")} {...(link && { validationMessage: t("new.missing.link") })}>
        <Input
          type="url"
          maxLength={2_000}
          value={values.link}
          onChange={(_, data) => setValues({ ...values, link: data.value })}
        />
      </Field>
      {error && !link && (
        <MessageBar intent="error" layout="multiline">
          <MessageBarBody>{problemText(error)}</MessageBarBody>
        </MessageBar>
      )}
      <div className={styles.foot}>
        <Button onClick={onDone}>{t("new.cancel")}</Button>
        <Button type="submit" appearance="primary" disabledFocusable={save.isPending}>
          {t("classes.save")}
        </Button>
      </div>
    </form>
  );
}
