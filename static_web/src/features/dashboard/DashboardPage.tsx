import { makeStyles } from "@fluentui/react-components";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";

import { progressQuery, usableIn } from "@/api/queries";
import type { Project } from "@/api/types";

import { BurnUp } from "./BurnUp";
import { ClassesCount } from "./ClassesCount";
import { PeoplePanel } from "./PeoplePanel";
import { ProgressPanel } from "./ProgressPanel";
import { QueuePanel } from "./QueuePanel";

const useStyles = makeStyles({
  page: { display: "grid", gap: "16px", gridTemplateColumns: "minmax(0, 1fr)" },
  columns: {
    display: "grid",
    gap: "16px",
    alignItems: "start",
    gridTemplateColumns: "minmax(0, 1fr) minmax(0, 1fr)",
    "@media (max-width: 860px)": { gridTemplateColumns: "minmax(0, 1fr)" },
  },
  stack: { display: "grid", gap: "16px", gridTemplateColumns: "minmax(0, 1fr)", minWidth: 0 },
});

interface Props {
  project: Project;
  /** What else is shown of it, from other features. */
  children: ReactNode;
}

/** How a project goes; every number leads to the images behind it. */
export function DashboardPage({ project, children }: Props): ReactNode {
  const styles = useStyles();
  const { project_id: projectId } = project;
  const progress = useQuery(progressQuery(projectId)).data;
  const sees = project.my_role !== "labeler";
  // Where some images are there to see what people know, nobody is told more than how much is left.
  const counted = sees || !progress || progress.classes.length > 0;
  return (
    <div className={styles.page}>
      <ProgressPanel projectId={projectId} progress={progress} linked={sees} />
      {sees && <QueuePanel projectId={projectId} progress={progress} />}
      <div className={styles.columns}>
        <div className={styles.stack}>
          {counted && (
            <>
              <BurnUp
                projectId={projectId}
                progress={progress}
                total={usableIn(progress)}
                linked={sees}
              />
              <ClassesCount project={project} progress={progress} />
            </>
          )}
        </div>
        <div className={styles.stack}>
          {sees && <PeoplePanel project={project} progress={progress} />}
          {children}
        </div>
      </div>
    </div>
  );
}
