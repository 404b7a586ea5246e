import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useSearch } from "wouter";

import { progressQuery } from "@/api/queries";
import type { Project, TaskType } from "@/api/types";
import { AssistPanel } from "@/features/assist/AssistPanel";
import { AssistSettings } from "@/features/assist/AssistSettings";
import { DashboardPage } from "@/features/dashboard/DashboardPage";
import { DataPage } from "@/features/data/DataPage";
import { DeletedProject } from "@/features/details/DeletedProject";
import { DetailsPage } from "@/features/details/DetailsPage";
import { ExportNotice } from "@/features/exports/ExportNotice";
import { ExportPanel } from "@/features/exports/ExportPanel";
import { ImportPanel } from "@/features/imports/ImportPanel";
import { PeoplePage } from "@/features/people/PeoplePage";
import { ClassesPanel } from "@/features/projects/ClassesPanel";
import { ProjectFrame } from "@/features/projects/ProjectFrame";
import { isTab } from "@/features/projects/tabs";
import { AgreementPanel } from "@/features/quality/AgreementPanel";
import { AssignedPanel } from "@/features/quality/AssignedPanel";
import { AssignmentSettings } from "@/features/quality/AssignmentSettings";
import { HoneypotPanel } from "@/features/quality/HoneypotPanel";
import { HoneypotSettings } from "@/features/quality/HoneypotSettings";
import { OverlapPanel } from "@/features/quality/OverlapPanel";
import { Message } from "@/ui/Message";

/** What assist suggests: classes of whole images. */
const helpsWith: readonly TaskType[] = ["multiclass", "multilabel", "boxes"];

interface Props {
  projectId: string;
  /** As the address has it. */
  tab: string;
}

/** The pages of a project, where features meet. */
export default function ProjectRoute({ projectId, tab }: Props): ReactNode {
  const { t } = useTranslation();
  const large = new URLSearchParams(useSearch()).has("item");
  if (!isTab(tab)) return <Message icon="search" title={t("error.noPage")} />;
  return (
    <>
      <ExportNotice key={projectId} projectId={projectId} />
      <ProjectFrame
        projectId={projectId}
        tab={tab}
        full={tab === "data" && large}
        missing={(otherwise) => <DeletedProject projectId={projectId} otherwise={otherwise} />}
      >
        {(project) => {
          switch (tab) {
            case "dashboard":
              return (
                <DashboardPage project={project}>
                  {project.my_role !== "labeler" && helpsWith.includes(project.task_type) && (
                    <AssistPanel project={project} />
                  )}
                  {project.my_role !== "labeler" && <AssignedPanel project={project} />}
                  {project.my_role !== "labeler" && <AgreementPanel project={project} />}
                  {project.my_role === "admin" && <HoneypotPanel project={project} />}
                  {project.my_role !== "labeler" && <ExportPanel projectId={projectId} />}
                </DashboardPage>
              );
            case "data":
              return <DataPage project={project} />;
            case "people":
              return <PeoplePage projectId={projectId} />;
            case "details":
              return (
                <DetailsPage
                  project={project}
                  classes={<Classes project={project} />}
                  assist={
                    project.my_role !== "labeler" && (
                      <>
                        {helpsWith.includes(project.task_type) && (
                          <AssistSettings project={project} />
                        )}
                        <OverlapPanel project={project} />
                        {project.my_role === "admin" && <AssignmentSettings project={project} />}
                        {project.my_role === "admin" && <HoneypotSettings project={project} />}
                      </>
                    )
                  }
                  imports={project.my_role === "admin" && <ImportPanel project={project} />}
                />
              );
          }
        }}
      </ProjectFrame>
    </>
  );
}

function Classes({ project }: { project: Project }): ReactNode {
  const progress = useQuery(progressQuery(project.project_id)).data;
  return <ClassesPanel project={project} progress={progress} />;
}
