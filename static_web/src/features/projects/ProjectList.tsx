import {
  Button,
  Input,
  makeStyles,
  Skeleton,
  SkeletonItem,
  tokens,
  Tooltip,
} from "@fluentui/react-components";
import { useQuery } from "@tanstack/react-query";
import { useRef, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link, Redirect, useLocation, useSearch } from "wouter";

import { projectsQuery, useMe } from "@/api/queries";
import type { ProjectLine } from "@/api/types";
import { formatNumber, formatPercent } from "@/format";
import { useCommands } from "@/keyboard";
import { useKey } from "@/keyMap";
import { Icon } from "@/ui/Icon";
import { Message } from "@/ui/Message";
import { ProgressBar } from "@/ui/ProgressBar";
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
    padding: "8px 16px",
    fontSize: "12px",
    lineHeight: "16px",
    fontWeight: 600,
    color: tokens.colorNeutralForeground3,
    borderBottom: `1px solid ${tokens.colorNeutralStroke2}`,
    "@media (max-width: 720px)": { display: "none" },
  },
  row: {
    ":hover": { backgroundColor: tokens.colorNeutralBackground1Hover },
    ":not(:last-child)": { borderBottom: `1px solid ${tokens.colorNeutralStroke3}` },
    "@media (max-width: 720px)": {
      display: "grid",
      gridTemplateColumns: "1fr auto",
      padding: "8px 0",
    },
  },
  cell: { padding: "10px 16px", verticalAlign: "middle" },
  progressCell: {
    padding: "10px 16px",
    "@media (max-width: 720px)": { gridRow: 2, gridColumn: "1 / -1" },
  },
  wideOnly: { padding: "10px 16px", "@media (max-width: 720px)": { display: "none" } },
  name: {
    display: "flex",
    alignItems: "center",
    gap: "10px",
    color: tokens.colorNeutralForeground1,
    textDecorationLine: "none",
    fontWeight: 600,
    ":hover": { textDecorationLine: "underline" },
    "@media (pointer: coarse)": { minHeight: "44px" },
  },
  icon: { color: tokens.colorNeutralForeground3, display: "inline-flex" },
  progress: {
    display: "grid",
    gridTemplateColumns: "1fr 3.5em",
    alignItems: "center",
    gap: "12px",
  },
  percent: { textAlign: "right", fontWeight: 600 },
  skeletons: { display: "grid", gap: "1px" },
  skeleton: { padding: "18px 16px" },
});

export default function ProjectList(): ReactNode {
  const { t } = useTranslation();
  usePageTitle(t("projects.title"));
  const styles = useStyles();
  const [, navigate] = useLocation();
  const asked = useSearch().includes("list");
  const me = useMe().data;
  const projects = useQuery(projectsQuery);
  const [wanted, setWanted] = useState("");
  const search = useRef<HTMLInputElement>(null);
  const searchKey = useKey("searchProjects").aria;
  useCommands("projects", { searchProjects: () => search.current?.focus() });

  const all = projects.data ?? [];
  const only = all.length === 1 ? all[0] : undefined;
  if (only?.my_role === "labeler" && !me?.site_admin && !asked)
    return <Redirect to={`/projects/${only.project_id}/label`} replace />;
  const shown = all.filter((one) =>
    one.name.toLocaleLowerCase().includes(wanted.trim().toLocaleLowerCase()),
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
                <th className={styles.headCell}>{t("projects.name")}</th>
                <th className={styles.headCell}>{t("projects.labeled")}</th>
                <th className={styles.headCell} style={{ width: "110px", textAlign: "right" }}>
                  {t("projects.left")}
                </th>
                <th className={styles.headCell} style={{ width: "130px" }}>
                  {t("projects.state")}
                </th>
                <th className={styles.headCell} style={{ width: "168px" }}>
                  <span hidden>{t("projects.label")}</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {shown.map((project) => (
                <Row key={project.project_id} project={project} />
              ))}
            </tbody>
          </table>
        )}
      </div>
    </>
  );
}

function Row({ project }: { project: ProjectLine }): ReactNode {
  const { t, i18n } = useTranslation();
  const styles = useStyles();
  const [, navigate] = useLocation();
  const { project_id: id, name, total, labeled } = project;
  const page = project.my_role === "labeler" ? `/projects/${id}/label` : `/projects/${id}`;
  const share = total ? labeled / total : 0;
  return (
    <tr className={styles.row}>
      <td className={styles.cell}>
        <Link href={page} className={styles.name}>
          <span className={styles.icon} title={t(`types.${project.task_type}.name`)}>
            <Icon name={project.task_type} />
          </span>
          {name}
        </Link>
      </td>
      <td className={styles.progressCell}>
        <div className={styles.progress}>
          <ProgressBar
            total={total}
            parts={[{ count: labeled, color: tokens.colorCompoundBrandStroke }]}
          />
          <span className={styles.percent}>{formatPercent(share, i18n.language)}</span>
        </div>
      </td>
      <td className={styles.wideOnly} style={{ textAlign: "right" }}>
        {formatNumber(project.waiting, i18n.language)}
      </td>
      <td className={styles.wideOnly}>
        <StateBadge state={project.state} />
      </td>
      <td className={styles.cell} style={{ textAlign: "right", whiteSpace: "nowrap" }}>
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
