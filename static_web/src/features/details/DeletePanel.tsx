import { Button, Field, Input, makeStyles } from "@fluentui/react-components";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { api, unwrap } from "@/api/client";
import { projectQuery, projectsQuery } from "@/api/queries";
import type { Project } from "@/api/types";
import { problemText } from "@/problems";
import { Panel } from "@/ui/Panel";

const useStyles = makeStyles({
  form: { display: "grid", gap: "12px" },
  text: { margin: 0 },
  foot: { display: "flex", justifyContent: "flex-end" },
});

/** Deletes a project, once its name was typed. */
export function DeletePanel({ project }: { project: Project }): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const queries = useQueryClient();
  const [typed, setTyped] = useState("");
  const { project_id: projectId, name } = project;
  const right = typed.trim() === name;
  const remove = useMutation({
    mutationFn: () =>
      unwrap(
        api.DELETE("/api/projects/{project_id}", { params: { path: { project_id: projectId } } }),
      ),
    onSuccess: async () => {
      await queries.invalidateQueries(projectsQuery);
      // Its page says that it was deleted, and how to bring it back.
      await queries.resetQueries(projectQuery(projectId));
    },
  });
  return (
    <Panel title={t("details.delete")}>
      <form
        className={styles.form}
        onSubmit={(event) => {
          event.preventDefault();
          if (right && !remove.isPending) remove.mutate();
        }}
      >
        <p className={styles.text}>{t("details.deleteText")}</p>
        <Field
          label={t("details.typeName", { name })}
          {...(remove.isError && { validationMessage: problemText(remove.error) })}
        >
          <Input value={typed} autoComplete="off" onChange={(_, data) => setTyped(data.value)} />
        </Field>
        <div className={styles.foot}>
          <Button type="submit" disabledFocusable={!right || remove.isPending}>
            {t("details.delete")}
          </Button>
        </div>
      </form>
    </Panel>
  );
}
