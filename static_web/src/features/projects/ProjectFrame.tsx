import {
  Button,
  makeStyles,
  mergeClasses,
  MessageBar,
  MessageBarActions,
  MessageBarBody,
  Skeleton,
  SkeletonItem,
  tokens,
} from "@fluentui/react-components";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link, useLocation } from "wouter";

import { api, ApiError, unwrap } from "@/api/client";
import { progressQuery, projectQuery } from "@/api/queries";
import type { Project } from "@/api/types";
import { problemText } from "@/problems";
import { Icon } from "@/ui/Icon";
import { Message } from "@/ui/Message";
import { usePageTitle } from "@/ui/usePageTitle";

import { StateBadge } from "./StateBadge";
import { mayOpen, tabPath, tabs, type Tab } from "./tabs";

const useStyles = makeStyles({
  head: {
    display: "flex",
    flexWrap: "wrap",
    alignItems: "flex-start",
    gap: "12px 24px",
    marginBottom: "12px",
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
  actions: { display: "flex", flexWrap: "wrap", gap: "8px", "& button": { whiteSpace: "nowrap" } },
  tabs: {
    display: "flex",
    gap: "4px",
    marginBottom: "16px",
    borderBottom: `1px solid ${tokens.colorNeutralStroke2}`,
    overflowX: "auto",
    // Room for the focus, which overflow would cut off.
    padding: "2px 2px 0",
  },
  tab: {
    display: "inline-flex",
    alignItems: "center",
    minHeight: "36px",
    paddingInline: "12px",
    whiteSpace: "nowrap",
    color: tokens.colorNeutralForeground2,
    textDecorationLine: "none",
    borderRadius: "4px 4px 0 0",
    ":hover": { color: tokens.colorNeutralForeground1 },
    ":focus-visible": { outline: `2px solid ${tokens.colorStrokeFocus2}` },
    "@media (pointer: coarse)": { minHeight: "44px" },
  },
  here: {
    color: tokens.colorNeutralForeground1,
    fontWeight: 600,
    boxShadow: `inset 0 -2px ${tokens.colorCompoundBrandStroke}`,
  },
  page: { display: "grid", gap: "16px" },
  failed: { marginBottom: "16px" },
});

interface Props {
  projectId: string;
  tab: Tab;
  /** The page takes all the room. */
  full?: boolean;
  /** Instead of a project that is not there, or of what says so. */
  missing: (otherwise: ReactNode) => ReactNode;
  children: (project: Project) => ReactNode;
}

/** What all pages of a project have: its name and state, and the way to the others. */
export function ProjectFrame({
  projectId,
  tab,
  full = false,
  missing,
  children,
}: Props): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const [, navigate] = useLocation();
  const project = useQuery(projectQuery(projectId));
  const progress = useQuery(progressQuery(projectId)).data;
  usePageTitle(t(`tabs.${tab}`), project.data?.name);

  if (project.isError) {
    const message = (
      <Message
        icon="warning"
        title={t("project.notOpened")}
        actions={<Button onClick={() => navigate("/?list")}>{t("label.toProjects")}</Button>}
      >
        {problemText(project.error)}
      </Message>
    );
    return project.error instanceof ApiError && project.error.status === 404
      ? missing(message)
      : message;
  }
  if (!project.data) return <Placeholder />;
  const { data } = project;
  if (full && mayOpen(tab, data.my_role)) return children(data);
  const state = progress?.state ?? data.state;
  const reason = progress?.state_reason ?? data.state_reason;
  const shown = tabs.filter((one) => mayOpen(one, data.my_role));
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
          {data.my_role === "admin" && (state === "running" || state === "paused") && (
            <PauseButton project={data} state={state} />
          )}
          {data.my_role === "admin" && (
            <Button appearance="subtle" onClick={() => navigate(`/projects/${projectId}/try`)}>
              {t("try.begin")}
            </Button>
          )}
          <Button appearance="primary" onClick={() => navigate(`/projects/${projectId}/label`)}>
            {t("project.label")}
          </Button>
        </div>
      </div>
      <nav className={styles.tabs} aria-label={t("tabs.title")}>
        {shown.map((one) => (
          <Link
            key={one}
            href={tabPath(projectId, one)}
            className={mergeClasses(styles.tab, one === tab && styles.here)}
            {...(one === tab && { "aria-current": "page" as const })}
          >
            {t(`tabs.${one}`)}
          </Link>
        ))}
      </nav>
      {state === "failed" && (
        <MessageBar intent="error" layout="multiline" className={styles.failed}>
          <MessageBarBody>{t("project.failed", { why: reason })}</MessageBarBody>
        </MessageBar>
      )}
      {state === "updating" && reason && (
        <MessageBar intent="warning" layout="multiline" className={styles.failed}>
          <MessageBarBody>{t("project.stopped", { why: reason })}</MessageBarBody>
          {data.my_role === "admin" && (
            <MessageBarActions>
              <PauseButton project={data} state={state} />
            </MessageBarActions>
          )}
        </MessageBar>
      )}
      {mayOpen(tab, data.my_role) ? (
        children(data)
      ) : (
        <Message icon="lock" title={t("tabs.notYours")}>
          {t("tabs.notYoursText", { role: t(`roles.${data.my_role}.name`) })}
        </Message>
      )}
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
