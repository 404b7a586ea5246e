import { makeStyles } from "@fluentui/react-components";
import type { ReactNode } from "react";

import type { Project } from "@/api/types";
import { isDrawn } from "@/taskTypes";

import { DataPanel } from "./DataPanel";
import { DeletePanel } from "./DeletePanel";
import { InstructionsPanel } from "./InstructionsPanel";
import { ShapesPanel } from "./ShapesPanel";
import { TeamPanel } from "./TeamPanel";
import { WebhookPanel } from "./WebhookPanel";

const useStyles = makeStyles({
  columns: {
    display: "grid",
    gap: "16px",
    alignItems: "start",
    gridTemplateColumns: "minmax(0, 3fr) minmax(0, 2fr)",
    "@media (max-width: 860px)": { gridTemplateColumns: "minmax(0, 1fr)" },
  },
  stack: { display: "grid", gap: "16px", gridTemplateColumns: "minmax(0, 1fr)", minWidth: 0 },
});

interface Props {
  project: Project;
  /** Its classes, how models help and labels from elsewhere, which other features show. */
  classes: ReactNode;
  assist: ReactNode;
  imports: ReactNode;
}

/** What a project is made of; admins change it here. */
export function DetailsPage({ project, classes, assist, imports }: Props): ReactNode {
  const styles = useStyles();
  return (
    <div className={styles.columns}>
      <div className={styles.stack}>
        {classes}
        {assist}
      </div>
      <div className={styles.stack}>
        <InstructionsPanel project={project} />
        <TeamPanel project={project} />
        {project.my_role !== "labeler" && <DataPanel project={project} />}
        {isDrawn(project.task_type) && <ShapesPanel project={project} />}
        {imports}
        {project.my_role === "admin" && (
          <>
            <WebhookPanel projectId={project.project_id} />
            <DeletePanel project={project} />
          </>
        )}
      </div>
    </div>
  );
}
