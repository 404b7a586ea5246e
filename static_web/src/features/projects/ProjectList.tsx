import {
  Button,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
  Input,
  makeStyles,
  mergeClasses,
  MessageBar,
  MessageBarBody,
  Skeleton,
  SkeletonItem,
  tokens,
  Tooltip,
} from "@fluentui/react-components";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useRef, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link, Redirect, useLocation, useSearch } from "wouter";

import { projectQuery, projectsQuery, useMe } from "@/api/queries";
import type { ProjectLine } from "@/api/types";
import { formatDay, formatNumber, formatPercent } from "@/format";
import { useCommands } from "@/keys/keyboard";
import { useKey } from "@/keys/keyMap";
import { keyOf } from "@/names";
import { problemText } from "@/problems";
import { Icon } from "@/ui/Icon";
import { Message } from "@/ui/Message";
import { ProgressBar } from "@/ui/ProgressBar";
import { TeamAndTopics } from "@/ui/TeamAndTopics";
import { Thumbnail } from "@/ui/Thumbnail";
import { usePageTitle } from "@/ui/usePageTitle";

import { StateBadge } from "./StateBadge";

const useStyles = makeStyles({
  head: {
    display: "flex",
    flexWrap: "wrap",
    alignItems: "center",
    gap: "8px 16px",
    marginBottom: "16px",
  },
  title: { fontSize: "20px", lineHeight: "28px", fontWeight: 600, margin: 0, marginRight: "auto" },
  search: { width: "240px", "@media (max-width: 640px)": { width: "100%", order: 1 } },
  panel: {
    backgroundColor: tokens.colorNeutralBackground1,
    border: `1px solid ${tokens.colorNeutralStroke2}`,
    borderRadius: "6px",
    overflow: "hidden",
  },
  table: { width: "100%", borderCollapse: "collapse", textAlign: "left", tableLayout: "fixed" },
  headCell: {
    boxSizing: "border-box",
    padding: "8px 12px",
    fontSize: "12px",
    lineHeight: "16px",
    fontWeight: 600,
    color: tokens.colorNeutralForeground3,
    borderBottom: `1px solid ${tokens.colorNeutralStroke2}`,
    "@media (max-width: 900px)": { display: "none" },
  },
  row: {
    ":hover": { backgroundColor: tokens.colorNeutralBackground1Hover },
    ":not(:last-child)": { borderBottom: `1px solid ${tokens.colorNeutralStroke3}` },
    "@media (max-width: 900px)": {
      display: "grid",
      gridTemplateColumns: "repeat(auto-fit, minmax(min(100%, 300px), 1fr))",
      padding: "8px 0",
    },
  },
  cell: { padding: "10px 12px", verticalAlign: "middle" },
  progressCell: {
    padding: "10px 12px",
    "@media (max-width: 900px)": { gridRow: 2, gridColumn: "1 / -1" },
  },
  wideOnly: { padding: "10px 12px", "@media (max-width: 900px)": { display: "none" } },
  widestOnly: { "@media (max-width: 1100px)": { display: "none" } },
  about: { display: "grid", gap: "6px", gridTemplateColumns: "minmax(0, 1fr)" },
  project: { position: "relative", display: "flex", alignItems: "center", gap: "12px" },
  titles: { minWidth: 0 },
  name: {
    display: "flex",
    alignItems: "center",
    color: tokens.colorNeutralForeground1,
    textDecorationLine: "none",
    fontWeight: 600,
    ":hover": { textDecorationLine: "underline" },
    // Whoever clicks its images means the project.
    "::after": { content: '""', position: "absolute", inset: 0 },
    "@media (pointer: coarse)": { minHeight: "44px" },
  },
  icon: { color: tokens.colorNeutralForeground3, display: "inline-flex" },
  progress: {
    display: "grid",
    gridTemplateColumns: "1fr 3.5em",
    alignItems: "center",
    gap: "12px",
  },
  cover: { display: "flex", gap: "2px", flex: "none" },
  image: {
    width: "40px",
    ":not(:first-child)": { "@media (max-width: 1100px)": { display: "none" } },
    "@media (max-width: 1100px)": { width: "52px" },
  },
  quiet: {
    display: "block",
    fontSize: "12px",
    lineHeight: "16px",
    fontWeight: 400,
    color: tokens.colorNeutralForeground3,
  },
  link: {
    color: tokens.colorBrandForegroundLink,
    textDecorationLine: "none",
    ":hover": { textDecorationLine: "underline" },
  },
  mine: {
    display: "inline-flex",
    alignItems: "center",
    fontSize: "12px",
    lineHeight: "16px",
    color: tokens.colorBrandForegroundLink,
    textDecorationLine: "none",
    ":hover": { textDecorationLine: "underline" },
    "@media (pointer: coarse)": { minHeight: "44px" },
  },
  percent: { textAlign: "right", fontWeight: 600 },
  skeletons: { display: "grid", gap: "1px" },
  skeleton: { padding: "18px 16px" },
});

/** Shown of a project; more would make its row tall. */
const TOPICS = 3;

const DRAFT = "/projects/new/details";

export default function ProjectList(): ReactNode {
  const { t } = useTranslation();
  usePageTitle(t("projects.title"));
  const styles = useStyles();
  const [, navigate] = useLocation();
  const asked = useSearch().includes("list");
  const me = useMe().data;
  const copy = useCopy();
  const projects = useQuery(projectsQuery);
  const [wanted, setWanted] = useState("");
  const search = useRef<HTMLInputElement>(null);
  const searchKey = useKey("searchProjects").aria;
  useCommands("projects", { searchProjects: () => search.current?.focus() });

  const all = projects.data ?? [];
  const only = all.length === 1 ? all[0] : undefined;
  if (only?.my_role === "labeler" && !me?.site_admin && !asked)
    return <Redirect to={`/projects/${only.project_id}/label`} replace />;
  const sought = keyOf(wanted);
  const shown = all.filter(({ name, team, topics }) =>
    [name, team, ...topics].some((one) => keyOf(one).includes(sought)),
  );
  const create = me?.site_admin && (
    <Button
      appearance="primary"
      icon={<Icon name="add" />}
      onClick={() => navigate("/projects/new")}
    >
      {t("projects.new")}
    </Button>
  );
  return (
    <>
      <div className={styles.head}>
        <h1 className={styles.title}>{t("projects.title")}</h1>
        {all.length > 0 && (
          <Input
            className={styles.search}
            input={{ ref: search }}
            contentBefore={<Icon name="search" size={16} />}
            placeholder={t("projects.search")}
            aria-label={t("projects.search")}
            aria-keyshortcuts={searchKey}
            value={wanted}
            onChange={(_, data) => setWanted(data.value)}
          />
        )}
        {all.length > 0 && create}
      </div>
      <NotCopied copy={copy} />
      <div className={styles.panel}>
        {projects.isPending ? (
          <Skeleton aria-label={t("projects.loading")} className={styles.skeletons}>
            {[0, 1, 2].map((row) => (
              <div key={row} className={styles.skeleton}>
                <SkeletonItem size={20} />
              </div>
            ))}
          </Skeleton>
        ) : projects.isError ? (
          <Message icon="warning" title={t("error.unreachable")}>
            {t("error.unreachableText")}
          </Message>
        ) : !all.length ? (
          <Message icon="image" title={t("projects.none")} actions={create}>
            {me?.site_admin ? t("projects.noneAdmin") : t("projects.noneLabeler")}
          </Message>
        ) : !shown.length ? (
          <Message icon="search" title={t("projects.notFound")} />
        ) : (
          <table className={styles.table}>
            <thead>
              <tr>
                <th className={styles.headCell} style={{ width: "28%" }}>
                  {t("projects.name")}
                </th>
                <th className={styles.headCell}>{t("projects.labeled")}</th>
                <th className={styles.headCell} style={{ width: "72px", textAlign: "right" }}>
                  {t("projects.left")}
                </th>
                <th className={styles.headCell} style={{ width: "84px", textAlign: "right" }}>
                  {t("projects.returned")}
                </th>
                <th
                  className={mergeClasses(styles.headCell, styles.widestOnly)}
                  style={{ width: "100px", textAlign: "right" }}
                >
                  {t("projects.active")}
                </th>
                <th
                  className={mergeClasses(styles.headCell, styles.widestOnly)}
                  style={{ width: "100px" }}
                >
                  {t("projects.lastDay")}
                </th>
                <th className={styles.headCell} style={{ width: "108px" }}>
                  {t("projects.state")}
                </th>
                <th className={styles.headCell} style={{ width: "200px" }}>
                  <span hidden>{t("projects.label")}</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {shown.map((project) => (
                <Row
                  key={project.project_id}
                  project={project}
                  {...(me?.site_admin && {
                    onCopy: () => copy.mutate({ project, replaces: false }),
                  })}
                />
              ))}
            </tbody>
          </table>
        )}
      </div>
    </>
  );
}

interface CopyOrder {
  project: ProjectLine;
  /** Whether a draft that was begun may be thrown away for it. */
  replaces: boolean;
}

/** Copies into the draft of a new project, which is loaded then; its answer is false where one was begun. */
function useCopy() {
  const queries = useQueryClient();
  const [, navigate] = useLocation();
  return useMutation({
    mutationFn: async ({ project, replaces }: CopyOrder) => {
      const [copied, { copyOf }] = await Promise.all([
        queries.query(projectQuery(project.project_id)),
        import("./new/draft"),
      ]);
      return copyOf(copied, replaces);
    },
    onSuccess: (began) => {
      if (began) navigate(DRAFT);
    },
  });
}

/** Why nothing was copied: it failed, or there is a draft that nobody should lose by a click. */
function NotCopied({ copy }: { copy: ReturnType<typeof useCopy> }): ReactNode {
  const { t } = useTranslation();
  const [, navigate] = useLocation();
  const project = copy.variables?.project;
  if (!project) return null;
  const { name } = project;
  return (
    <>
      {copy.isError && (
        <MessageBar intent="error" layout="multiline" style={{ marginBottom: "12px" }}>
          <MessageBarBody>
            {t("projects.notCopied", { name, detail: problemText(copy.error) })}
          </MessageBarBody>
        </MessageBar>
      )}
      <Dialog open={copy.data === false} onOpenChange={() => copy.reset()}>
        <DialogSurface>
          <DialogBody>
            <DialogTitle>{t("projects.draftTitle")}</DialogTitle>
            <DialogContent>{t("projects.draftText", { name })}</DialogContent>
            <DialogActions fluid>
              <Button onClick={() => copy.reset()}>{t("projects.draftCancel")}</Button>
              <Button onClick={() => copy.mutate({ project, replaces: true })}>
                {t("projects.draftReplace")}
              </Button>
              <Button appearance="primary" onClick={() => navigate(DRAFT)}>
                {t("projects.draftOpen")}
              </Button>
            </DialogActions>
          </DialogBody>
        </DialogSurface>
      </Dialog>
    </>
  );
}

interface RowProps {
  project: ProjectLine;
  /** Left out for those who may not make projects. */
  onCopy?: () => void;
}

function Row({ project, onCopy }: RowProps): ReactNode {
  const { t, i18n } = useTranslation();
  const styles = useStyles();
  const [, navigate] = useLocation();
  const { project_id: id, name, total, labeled, unusable, returned_to_me: mine } = project;
  const returned = project.returned ?? mine;
  const page = project.my_role === "labeler" ? `/projects/${id}/label` : `/projects/${id}`;
  const share = total ? labeled / total : 0;
  return (
    <tr className={styles.row}>
      <td className={styles.cell}>
        <div className={styles.about}>
          <div className={styles.project}>
            {project.cover.length > 0 ? (
              <span className={styles.cover}>
                {project.cover.map((url) => (
                  <Thumbnail key={url} src={url} alt="" className={styles.image} />
                ))}
              </span>
            ) : (
              <span className={styles.icon}>
                <Icon name={project.task_type} />
              </span>
            )}
            <div className={styles.titles}>
              <Link href={page} className={styles.name}>
                {name}
              </Link>
              <span className={styles.quiet}>
                {t(`types.${project.task_type}.name`)}
                {" · "}
                {t(`projects.roles.${project.my_role}`)}
              </span>
            </div>
          </div>
          <TeamAndTopics team={project.team} topics={project.topics} most={TOPICS} />
        </div>
      </td>
      <td className={styles.progressCell}>
        <div className={styles.progress}>
          <ProgressBar
            total={total}
            parts={[{ count: labeled, color: tokens.colorCompoundBrandStroke }]}
          />
          <span className={styles.percent}>{formatPercent(share, i18n.language)}</span>
        </div>
        {unusable > 0 && (
          <span className={styles.quiet}>{t("projects.unusable", { count: unusable })}</span>
        )}
        {mine > 0 && (
          <Link href={`/projects/${id}/mine`} className={styles.mine}>
            {t("projects.returnedToMe", { count: mine })}
          </Link>
        )}
      </td>
      <td className={styles.wideOnly} style={{ textAlign: "right" }}>
        {formatNumber(project.waiting, i18n.language)}
      </td>
      <td className={styles.wideOnly} style={{ textAlign: "right" }}>
        {returned > 0 && (
          <Link
            href={
              project.returned === null
                ? `/projects/${id}/mine`
                : `/projects/${id}/data?state=available&returned=all`
            }
            className={styles.link}
            aria-label={t("projects.returnedNamed", { count: returned, name })}
          >
            {formatNumber(returned, i18n.language)}
          </Link>
        )}
      </td>
      <td
        className={mergeClasses(styles.wideOnly, styles.widestOnly)}
        style={{ textAlign: "right" }}
      >
        {project.active > 0 && formatNumber(project.active, i18n.language)}
      </td>
      <td className={mergeClasses(styles.wideOnly, styles.widestOnly)}>
        {project.last_day && formatDay(project.last_day, i18n.language)}
      </td>
      <td className={styles.wideOnly}>
        <StateBadge state={project.state} />
      </td>
      <td className={styles.cell} style={{ textAlign: "right", whiteSpace: "nowrap" }}>
        {onCopy && (
          <Tooltip content={t("projects.copyNamed", { name })} relationship="label" showDelay={500}>
            <Button
              size="small"
              appearance="subtle"
              icon={<Icon name="duplicate" />}
              onClick={onCopy}
            />
          </Tooltip>
        )}
        <Tooltip content={t("projects.mineNamed", { name })} relationship="label" showDelay={500}>
          <Button
            size="small"
            appearance="subtle"
            icon={<Icon name="mine" />}
            style={{ marginRight: "8px" }}
            onClick={() => navigate(`/projects/${id}/mine`)}
          />
        </Tooltip>
        <Button
          size="small"
          aria-label={t("projects.labelNamed", { name })}
          onClick={() => navigate(`/projects/${id}/label`)}
        >
          {t("projects.label")}
        </Button>
      </td>
    </tr>
  );
}
