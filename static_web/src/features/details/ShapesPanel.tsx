import { makeStyles, Switch, tokens } from "@fluentui/react-components";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { changeProject, projectQuery } from "@/api/queries";
import type { Project } from "@/api/types";
import { problemText } from "@/problems";
import { Panel } from "@/ui/Panel";

const useStyles = makeStyles({
  switch: { marginLeft: "-8px" },
  quiet: { color: tokens.colorNeutralForeground3, margin: 0 },
  problem: { color: tokens.colorStatusDangerForeground1, margin: "8px 0 0" },
});

/** What is taken of shapes; admins change it. */
export function ShapesPanel({ project }: { project: Project }): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const queries = useQueryClient();
  const turn = useMutation({
    mutationFn: (twins: boolean) => changeProject(project, { twins }),
    onSettled: () => queries.invalidateQueries(projectQuery(project.project_id)),
  });
  return (
    <Panel title={t("details.shapes")}>
      <Switch
        className={styles.switch}
        checked={project.twins}
        disabled={project.my_role !== "admin" || turn.isPending}
        label={t("details.twins")}
        onChange={(_, { checked }) => turn.mutate(checked)}
      />
      <p className={styles.quiet}>{t("details.twinsHint")}</p>
      {turn.error && (
        <p role="alert" className={styles.problem}>
          {problemText(turn.error)}
        </p>
      )}
    </Panel>
  );
}
