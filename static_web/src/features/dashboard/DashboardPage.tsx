import { makeStyles } from "@fluentui/react-components";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";

import { progressQuery } from "@/api/queries";

import { ProgressPanel } from "./ProgressPanel";

const useStyles = makeStyles({ page: { display: "grid", gap: "16px" } });

interface Props {
  projectId: string;
  /** What else is shown of it, from other features. */
  children: ReactNode;
}

/** How a project goes. */
export function DashboardPage({ projectId, children }: Props): ReactNode {
  const styles = useStyles();
  const progress = useQuery(progressQuery(projectId)).data;
  return (
    <div className={styles.page}>
      <ProgressPanel progress={progress} />
      {children}
    </div>
  );
}
