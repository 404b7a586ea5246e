import type { ReactNode } from "react";

import { ExportPanel } from "@/features/exports/ExportPanel";
import { ProjectPage } from "@/features/projects/ProjectPage";

/** A project, with what other features show of it. */
export default function ProjectRoute({ projectId }: { projectId: string }): ReactNode {
  return <ProjectPage projectId={projectId} exports={<ExportPanel projectId={projectId} />} />;
}
