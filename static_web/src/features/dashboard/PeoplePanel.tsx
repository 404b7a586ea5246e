import { Button, makeStyles, tokens } from "@fluentui/react-components";
import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { api, unwrap } from "@/api/client";
import type { LabelerCount, Progress, Project } from "@/api/types";
import { formatNumber, formatWhen } from "@/format";
import { problemText } from "@/problems";
import { Panel } from "@/ui/Panel";

import { Count } from "./Count";
import { imagesOf } from "./links";

const LOOK_EVERY_MS = 5_000;

const useStyles = makeStyles({
  scroll: { overflowX: "auto" },
  // Columns are as wide as their words; narrower, the table scrolls.
  table: {
    width: "100%",
    borderCollapse: "collapse",
    textAlign: "left",
    overflowWrap: "break-word",
  },
  head: {
    padding: "4px 16px 8px 0",
    fontSize: "12px",
    lineHeight: "16px",
    fontWeight: 600,
    color: tokens.colorNeutralForeground3,
  },
  row: { borderTop: `1px solid ${tokens.colorNeutralStroke3}` },
  cell: { padding: "6px 16px 6px 0" },
  quiet: { color: tokens.colorNeutralForeground3, margin: 0 },
  problem: { color: tokens.colorStatusDangerForeground1, margin: "8px 0 0" },
  holds: { display: "grid", gap: "4px", margin: "16px 0 0", padding: 0, listStyle: "none" },
  hold: { display: "flex", flexWrap: "wrap", alignItems: "center", gap: "4px 16px" },
});

const leasesQuery = (projectId: string) =>
  queryOptions({
    queryKey: ["leases", projectId],
    queryFn: async () =>
      (
        await unwrap(
          api.GET("/api/projects/{project_id}/leases", {
            params: { path: { project_id: projectId } },
          }),
        )
      ).items,
    refetchInterval: LOOK_EVERY_MS,
  });

interface Props {
  project: Project;
  progress: Progress | undefined;
}

/** Who labeled how much, and who holds what at this moment. */
export function PeoplePanel({ project, progress }: Props): ReactNode {
  const { t, i18n } = useTranslation();
  const styles = useStyles();
  const queries = useQueryClient();
  const { project_id: projectId } = project;
  const admin = project.my_role === "admin";
  const leases = useQuery({ ...leasesQuery(projectId), enabled: admin }).data ?? [];
  const release = useMutation({
    mutationFn: (taskId: string) =>
      unwrap(
        api.POST("/api/projects/{project_id}/tasks/{task_id}/release", {
          params: { path: { project_id: projectId, task_id: taskId } },
          body: { items: null },
        }),
      ),
    onSettled: () => queries.invalidateQueries(leasesQuery(projectId)),
  });
  const people = progress?.labelers ?? [];
  // Of the time they were at it: breaks count for nothing.
  const perHour = ({ today, today_active_ms: ms }: LabelerCount) =>
    today && ms ? formatNumber(Math.round((today * 3_600_000) / ms), i18n.language) : "–";
  const secondsEach = ({ today, today_active_ms: ms }: LabelerCount) =>
    today && ms ? formatNumber(Math.round(ms / today / 100) / 10, i18n.language) : "–";
  const nameOf = (user: string) => people.find((one) => one.user === user)?.name ?? "";
  return (
    <Panel title={t("dashboard.people")}>
      {people.length === 0 ? (
        <p className={styles.quiet}>{t("dashboard.nobody")}</p>
      ) : (
        <div className={styles.scroll}>
          <table className={styles.table}>
            <thead>
              <tr>
                {(["name", "labeled", "today", "rate", "seconds"] as const).map((one) => (
                  <th key={one} scope="col" className={styles.head}>
                    {t(`dashboard.columns.${one}`)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {people.map((one) => {
                const name = one.name || one.user;
                // What was labeled today, to which all of these numbers belong.
                const linked = (column: "today" | "rate" | "seconds", text?: string) => (
                  <Count
                    count={one.today}
                    {...(text !== undefined && { text })}
                    name={`${name}, ${t(`dashboard.columns.${column}`)}`}
                    href={imagesOf(projectId, {
                      ...{ state: "labeled", labeler: one.user },
                      labeled_from: progress?.at.slice(0, 10) ?? "",
                    })}
                  />
                );
                return (
                  <tr key={one.user} className={styles.row}>
                    <td className={styles.cell}>{name}</td>
                    <td className={styles.cell}>
                      <Count
                        count={one.labelings}
                        name={name}
                        href={imagesOf(projectId, { state: "all", labeler: one.user })}
                      />
                    </td>
                    <td className={styles.cell}>{linked("today")}</td>
                    <td className={styles.cell}>{linked("rate", perHour(one))}</td>
                    <td className={styles.cell}>{linked("seconds", secondsEach(one))}</td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </div>
      )}
      {leases.length > 0 && (
        <ul className={styles.holds} aria-label={t("dashboard.holding")}>
          {leases.map((one) => (
            <li key={one.task_id} className={styles.hold}>
              <span>
                {t("dashboard.holds", {
                  name: nameOf(one.user) || one.user,
                  count: one.item_ids.length,
                  time: formatWhen(one.until, i18n.language),
                })}
              </span>
              <Button
                size="small"
                disabledFocusable={release.isPending}
                onClick={() => release.mutate(one.task_id)}
              >
                {t("dashboard.release")}
              </Button>
            </li>
          ))}
        </ul>
      )}
      {release.isError && (
        <p role="alert" className={styles.problem}>
          {problemText(release.error)}
        </p>
      )}
    </Panel>
  );
}
