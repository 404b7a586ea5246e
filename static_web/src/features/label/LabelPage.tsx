import { Button, FluentProvider, makeStyles, tokens } from "@fluentui/react-components";
import { useQuery } from "@tanstack/react-query";
import type { ComponentType, ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";

import { projectQuery, useMe } from "@/api/queries";
import type { Me, Project } from "@/api/types";
import { problemText } from "@/problems";
import { isDrawn } from "@/taskTypes";
import { stageTheme } from "@/theme";
import { Message } from "@/ui/Message";
import { usePageTitle } from "@/ui/usePageTitle";

import { Stage } from "./grid/GridStage";

const useStyles = makeStyles({
  page: {
    display: "flex",
    flexDirection: "column",
    height: "100dvh",
    overflow: "hidden",
    backgroundColor: tokens.colorNeutralBackground2,
    color: tokens.colorNeutralForeground1,
    colorScheme: "dark",
  },
  stage: { flex: "1 1 0", minHeight: 0 },
});

interface StageProps {
  project: Project;
  me: Me;
}

/** The labeling page of a project: always the dark stage. `Canvas` is where shapes are drawn. */
export default function LabelPage({
  projectId,
  Canvas,
  banner,
}: {
  projectId: string;
  Canvas: ComponentType<StageProps>;
  /** What is said above of all of it. */
  banner?: ReactNode;
}): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const [, navigate] = useLocation();
  const project = useQuery(projectQuery(projectId));
  const me = useMe().data;
  usePageTitle(t("label.title"), project.data?.name);
  const toProjects = <Button onClick={() => navigate("/?list")}>{t("label.toProjects")}</Button>;
  return (
    <FluentProvider theme={stageTheme}>
      <div className={styles.page}>
        {banner}
        <div className={styles.stage}>
          {project.isError ? (
            <Message icon="warning" title={t("project.notOpened")} actions={toProjects}>
              {problemText(project.error)}
            </Message>
          ) : !project.data || !me ? null : isDrawn(project.data.task_type) ? (
            <Canvas project={project.data} me={me} />
          ) : (
            <Stage project={project.data} me={me} />
          )}
        </div>
      </div>
    </FluentProvider>
  );
}
