import { Button, FluentProvider, makeStyles, tokens } from "@fluentui/react-components";
import { useQuery } from "@tanstack/react-query";
import type { ComponentType, ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";

import { projectQuery, useMe } from "@/api/queries";
import type { Me, Project } from "@/api/types";
import { problemText } from "@/problems";
import { stageTheme } from "@/theme";
import { Message } from "@/ui/Message";
import { usePageTitle } from "@/ui/usePageTitle";

import { Stage } from "./grid/GridStage";

const useStyles = makeStyles({
  page: {
    height: "100dvh",
    overflow: "hidden",
    backgroundColor: tokens.colorNeutralBackground2,
    color: tokens.colorNeutralForeground1,
    colorScheme: "dark",
  },
});

interface StageProps {
  project: Project;
  me: Me;
}

/** The labeling page of a project: always the dark stage. `Canvas` is where shapes are drawn. */
export default function LabelPage({
  projectId,
  Canvas,
}: {
  projectId: string;
  Canvas: ComponentType<StageProps>;
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
        {project.isError ? (
          <Message icon="warning" title={t("project.notOpened")} actions={toProjects}>
            {problemText(project.error)}
          </Message>
        ) : !project.data || !me ? null : project.data.task_type === "boxes" ||
          project.data.task_type === "polygons" ? (
          <Canvas project={project.data} me={me} />
        ) : (
          <Stage project={project.data} me={me} />
        )}
      </div>
    </FluentProvider>
  );
}
