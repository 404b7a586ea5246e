import { Button, makeStyles, Switch, tokens } from "@fluentui/react-components";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";

import { api, unwrap } from "@/api/client";
import { changeProject, progressQuery, projectQuery, useMe } from "@/api/queries";
import type { Progress, Project } from "@/api/types";
import { formatNumber, formatWhen } from "@/format";
import { problemText } from "@/problems";
import { Panel } from "@/ui/Panel";

import { AddImagesDialog } from "./AddImagesDialog";
import { ContainerPlace } from "./ContainerPlace";
import { DatasetDescription } from "./DatasetDescription";
import { containersQuery, datasetQuery } from "./queries";

const useStyles = makeStyles({
  facts: {
    display: "grid",
    gridTemplateColumns: "auto minmax(0, 1fr)",
    gap: "6px 16px",
    margin: 0,
    "& > dt": { color: tokens.colorNeutralForeground3 },
    "& > dd": { margin: 0, overflowWrap: "anywhere" },
    "@media (max-width: 480px)": {
      gridTemplateColumns: "minmax(0, 1fr)",
      "& > dd": { marginBottom: "4px" },
    },
  },
  link: {
    color: tokens.colorBrandForegroundLink,
    "@media (pointer: coarse)": {
      display: "inline-flex",
      alignItems: "center",
      minWidth: "44px",
      minHeight: "44px",
    },
  },
  quiet: { color: tokens.colorNeutralForeground3, margin: "4px 0 0" },
  problem: { color: tokens.colorStatusDangerForeground1, margin: "8px 0 0" },
  switch: { marginTop: "8px", marginLeft: "-8px" },
  last: { margin: "8px 0 0" },
  buttons: { display: "flex", flexWrap: "wrap", gap: "8px", marginTop: "12px" },
});

/** Where a project's images come from and its exports go to, and how new ones are found. */
export function DataPanel({ project }: { project: Project }): ReactNode {
  const { t, i18n } = useTranslation();
  const styles = useStyles();
  const queries = useQueryClient();
  const { project_id: projectId, source } = project;
  const admin = project.my_role === "admin";
  const siteAdmin = useMe().data?.site_admin ?? false;
  const dataset = useQuery({ ...datasetQuery(project.dataset_id), enabled: siteAdmin }).data;
  const places = useQuery(containersQuery(projectId)).data;
  const progress = useQuery(progressQuery(projectId)).data;
  const [adding, setAdding] = useState(false);
  const look = () => queries.invalidateQueries(progressQuery(projectId));
  const turn = useMutation({
    mutationFn: (on: boolean) => changeProject(project, { incremental_refresh: on }),
    onSettled: () => queries.invalidateQueries(projectQuery(projectId)),
  });
  const refresh = useMutation({
    mutationFn: () =>
      unwrap(
        api.POST("/api/projects/{project_id}/refresh", {
          params: { path: { project_id: projectId } },
        }),
      ),
    onSettled: look,
  });
  const last = progress?.refresh;
  const running = last?.state === "listing" || last?.state === "registering";
  const failed = turn.error ?? refresh.error;
  const number = (value: number) => formatNumber(value, i18n.language);
  return (
    <Panel title={t("details.data")}>
      <dl className={styles.facts}>
        {dataset && (
          <>
            <dt>{t("details.dataset")}</dt>
            <dd>{dataset.name}</dd>
            <dt>{t("details.description")}</dt>
            <dd>
              <DatasetDescription dataset={dataset} />
            </dd>
          </>
        )}
        {source && (
          <>
            <dt>{t("details.from")}</dt>
            <dd>
              {places ? <ContainerPlace container={places.images} path={source.pattern} /> : "–"}
            </dd>
          </>
        )}
        <dt>{t("details.exports")}</dt>
        <dd>
          {places ? <ContainerPlace container={places.exports} path={`${projectId}/`} /> : "–"}
        </dd>
        <dt>{t("details.images")}</dt>
        <dd>
          <Link className={styles.link} href={`/projects/${projectId}/data?state=all`}>
            {progress ? number(progress.total) : "–"}
          </Link>
        </dd>
      </dl>
      <Switch
        className={styles.switch}
        checked={project.incremental_refresh}
        disabled={!admin || turn.isPending}
        label={t("details.incremental")}
        onChange={(_, { checked }) => turn.mutate(checked)}
      />
      <p className={styles.quiet}>{t("details.incrementalHint")}</p>
      {last && (
        <div data-testid="last-refresh" role="status">
          <p className={styles.last}>{refreshText(last)}</p>
          {last.problem && (
            <p className={styles.problem}>{t("details.problem", { why: last.problem })}</p>
          )}
        </div>
      )}
      {failed && (
        <p role="alert" className={styles.problem}>
          {problemText(failed)}
        </p>
      )}
      {admin && (
        <div className={styles.buttons}>
          <Button disabledFocusable={running || refresh.isPending} onClick={() => refresh.mutate()}>
            {t("details.refresh")}
          </Button>
          {dataset?.upload && (
            <Button onClick={() => setAdding(true)}>{t("details.addImages")}</Button>
          )}
        </div>
      )}
      {admin && source && !dataset?.upload && (
        <p className={styles.quiet}>{t("details.addElsewhere", { container: source.container })}</p>
      )}
      {adding && (
        <AddImagesDialog
          datasetId={project.dataset_id}
          onStored={() => refresh.mutate()}
          onClose={() => setAdding(false)}
        />
      )}
    </Panel>
  );

  function refreshText(one: NonNullable<Progress["refresh"]>): string {
    if (one.state === "listing" || one.state === "registering")
      return t("details.refreshing", { images: number(one.images) });
    const counts = {
      time: formatWhen(one.finished_at ?? one.started_at, i18n.language),
      images: number(one.images),
      new: number(one.new),
      changed: number(one.changed),
      missing: number(one.missing),
    };
    return t(one.state === "failed" ? "details.refreshFailed" : "details.refreshed", counts);
  }
}
