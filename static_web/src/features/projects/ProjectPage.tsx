import {
  Button,
  Link,
  makeStyles,
  MessageBar,
  MessageBarBody,
  Skeleton,
  SkeletonItem,
  tokens,
} from "@fluentui/react-components";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";

import { api, unwrap } from "@/api/client";
import { leftIn, progressQuery, projectQuery } from "@/api/queries";
import type { Progress, Project } from "@/api/types";
import { formatNumber } from "@/format";
import { problemText } from "@/problems";
import { Icon } from "@/ui/Icon";
import { Message } from "@/ui/Message";
import { Panel } from "@/ui/Panel";
import { ProgressBar } from "@/ui/ProgressBar";

import { ClassesPanel } from "./ClassesPanel";
import { StateBadge } from "./StateBadge";

const useStyles = makeStyles({
  head: {
    display: "flex",
    flexWrap: "wrap",
    alignItems: "flex-start",
    gap: "12px 24px",
    marginBottom: "20px",
  },
  titles: { display: "grid", gap: "4px", marginRight: "auto", minWidth: 0 },
  title: { fontSize: "20px", lineHeight: "28px", fontWeight: 600, margin: 0 },
  about: {
    display: "flex",
    flexWrap: "wrap",
    gap: "4px 16px",
    color: tokens.colorNeutralForeground2,
  },
  type: { display: "inline-flex", alignItems: "center", gap: "6px" },
  actions: { display: "flex", gap: "8px" },
  page: { display: "grid", gap: "16px" },
  sentence: { margin: "0 0 12px", fontSize: "16px", lineHeight: "24px" },
  legend: { display: "flex", flexWrap: "wrap", gap: "8px 24px", margin: "14px 0 0" },
  entry: { display: "flex", alignItems: "center", gap: "8px" },
  dot: { width: "10px", height: "10px", borderRadius: "2px", flex: "none" },
  count: { fontWeight: 600 },
  columns: {
    display: "grid",
    gap: "16px",
    alignItems: "start",
    gridTemplateColumns: "minmax(0, 3fr) minmax(0, 2fr)",
    "@media (max-width: 860px)": { gridTemplateColumns: "minmax(0, 1fr)" },
  },
  stack: { display: "grid", gap: "16px" },
  text: { whiteSpace: "pre-wrap", margin: "0 0 8px", maxWidth: "68ch" },
  quiet: { color: tokens.colorNeutralForeground3, margin: 0 },
});

interface Props {
  projectId: string;
  /** What else is shown of it, from other features. */
  exports: ReactNode;
}

export function ProjectPage({ projectId, exports }: Props): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const [, navigate] = useLocation();
  const project = useQuery(projectQuery(projectId));
  const progress = useQuery(progressQuery(projectId)).data;

  if (project.isError)
    return (
      <Message
        icon="warning"
        title={t("project.notOpened")}
        actions={<Button onClick={() => navigate("/?list")}>{t("label.toProjects")}</Button>}
      >
        {problemText(project.error)}
      </Message>
    );
  if (!project.data) return <Placeholder />;
  const { data } = project;
  const state = progress?.state ?? data.state;
  return (
    <>
      <div className={styles.head}>
        <div className={styles.titles}>
          <h1 className={styles.title}>{data.name}</h1>
          <div className={styles.about}>
            <span className={styles.type}>
              <Icon name={data.task_type} size={16} />
              {t(`types.${data.task_type}.name`)}
            </span>
            <StateBadge state={state} />
          </div>
        </div>
        <div className={styles.actions}>
          {data.my_role === "admin" && <PauseButton project={data} state={state} />}
          <Button appearance="primary" onClick={() => navigate(`/projects/${projectId}/label`)}>
            {t("project.label")}
          </Button>
        </div>
      </div>
      <div className={styles.page}>
        {state === "failed" && (
          <MessageBar intent="error" layout="multiline">
            <MessageBarBody>
              {t("project.failed", { why: progress?.state_reason ?? data.state_reason })}
            </MessageBarBody>
          </MessageBar>
        )}
        <ProgressPanel progress={progress} />
        <div className={styles.columns}>
          <ClassesPanel project={data} progress={progress} />
          <div className={styles.stack}>
            {data.my_role !== "labeler" && exports}
            <Panel title={t("instructions.title")}>
              <p className={data.instructions.text ? styles.text : styles.quiet}>
                {data.instructions.text || t("instructions.none")}
              </p>
              {data.instructions.link && (
                <Link href={data.instructions.link} target="_blank" rel="noreferrer">
                  {t("instructions.more")}
                </Link>
              )}
            </Panel>
          </div>
        </div>
      </div>
    </>
  );
}

function PauseButton({ project, state }: { project: Project; state: Project["state"] }): ReactNode {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const { project_id: projectId } = project;
  const change = useMutation({
    mutationFn: (verb: "pause" | "resume") =>
      unwrap(
        api.POST(`/api/projects/{project_id}/${verb}`, {
          params: { path: { project_id: projectId } },
        }),
      ),
    onSuccess: async (changed) => {
      queries.setQueryData(projectQuery(projectId).queryKey, changed);
      await queries.invalidateQueries(progressQuery(projectId));
    },
  });
  if (state !== "running" && state !== "paused") return null;
  const verb = state === "running" ? "pause" : "resume";
  return (
    <Button
      icon={<Icon name={verb === "pause" ? "pause" : "play"} />}
      disabledFocusable={change.isPending}
      onClick={() => change.mutate(verb)}
    >
      {t(`project.${verb}`)}
    </Button>
  );
}

const slices = [
  { state: "labeled", color: tokens.colorCompoundBrandStroke },
  { state: "skipped", color: tokens.colorNeutralForeground4 },
  { state: "needs_review", color: tokens.colorPaletteMarigoldBackground3 },
] as const;

const leftOut = ["not_an_image", "not_yet", "folder"] as const;

function isLeftOut(why: string): why is (typeof leftOut)[number] {
  return (leftOut as readonly string[]).includes(why);
}

function ProgressPanel({ progress }: { progress: Progress | undefined }): ReactNode {
  const { t, i18n } = useTranslation();
  const styles = useStyles();
  const number = (value: number) => formatNumber(value, i18n.language);
  const total = progress?.total ?? 0;
  const labeled = progress?.states["labeled"] ?? 0;
  const reading = progress?.state === "initializing";
  const unusable = (progress?.states["unreadable"] ?? 0) + (progress?.over_limit ?? 0);
  const leftOutText = (why: string) => (isLeftOut(why) ? t(`leftOut.${why}`) : why);
  const skipped = Object.entries(progress?.refresh?.skipped ?? {});
  return (
    <Panel title={t("project.progress")}>
      <p className={styles.sentence} data-testid="progress-sentence">
        {!progress
          ? " "
          : reading
            ? t("project.reading", { images: number(total) })
            : t("project.sentence", { labeled: number(labeled), total: number(total) })}
      </p>
      <ProgressBar
        total={total}
        parts={slices.map(({ state, color }) => ({ count: progress?.states[state] ?? 0, color }))}
      />
      <div className={styles.legend}>
        {slices.map(({ state, color }) => (
          <span key={state} className={styles.entry}>
            <span className={styles.dot} style={{ backgroundColor: color }} />
            {t(`itemStates.${state}`)}
            <span className={styles.count} data-testid={`count-${state}`}>
              {progress ? number(progress.states[state] ?? 0) : "–"}
            </span>
          </span>
        ))}
        <span className={styles.entry}>
          <span className={styles.dot} style={{ backgroundColor: tokens.colorNeutralStroke2 }} />
          {t("itemStates.left")}
          <span className={styles.count} data-testid="count-left">
            {progress ? number(leftIn(progress)) : "–"}
          </span>
        </span>
        {unusable > 0 && (
          <span className={styles.entry}>
            <Icon name="warning" size={16} />
            {t("itemStates.unusable")}
            <span className={styles.count}>{number(unusable)}</span>
          </span>
        )}
      </div>
      {skipped.length > 0 && (
        <p className={styles.quiet} style={{ marginTop: "10px" }}>
          {t("project.skippedFiles", {
            list: skipped.map(([why, count]) => `${leftOutText(why)} ${number(count)}`).join(", "),
          })}
        </p>
      )}
      {progress?.refresh?.problem && (
        <p className={styles.quiet} style={{ marginTop: "10px" }}>
          {progress.refresh.problem}
        </p>
      )}
    </Panel>
  );
}

function Placeholder(): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  return (
    <Skeleton aria-label={t("projects.loading")} className={styles.page}>
      <SkeletonItem size={48} />
      <SkeletonItem style={{ height: "132px" }} />
      <SkeletonItem style={{ height: "240px" }} />
    </Skeleton>
  );
}
