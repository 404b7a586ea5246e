import { Button, makeStyles, Spinner, tokens } from "@fluentui/react-components";
import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { api, newId, unwrap } from "@/api/client";
import type { Export } from "@/api/types";
import { formatTime } from "@/format";
import { problemText } from "@/problems";
import { Icon } from "@/ui/Icon";
import { Panel } from "@/ui/Panel";

const LOOK_EVERY_MS = 2_000;
const SHOWN = 5;
const LABELS = "coco/annotations.json";

const useStyles = makeStyles({
  list: { display: "grid", gap: "4px", margin: 0, padding: 0, listStyle: "none" },
  row: {
    display: "flex",
    alignItems: "center",
    justifyContent: "space-between",
    gap: "12px",
    minHeight: "44px",
    borderTop: `1px solid ${tokens.colorNeutralStroke3}`,
    paddingTop: "4px",
  },
  when: { display: "grid" },
  quiet: { color: tokens.colorNeutralForeground3, fontSize: "12px", lineHeight: "16px", margin: 0 },
  problem: { color: tokens.colorStatusDangerForeground1, fontSize: "12px", margin: 0 },
});

const exportsQuery = (projectId: string) =>
  queryOptions({
    queryKey: ["exports", projectId],
    queryFn: async () =>
      (
        await unwrap(
          api.GET("/api/projects/{project_id}/exports", {
            params: { path: { project_id: projectId } },
          }),
        )
      ).items,
    refetchInterval: ({ state }) =>
      state.data?.some((one) => one.state === "waiting") ? LOOK_EVERY_MS : false,
  });

/** Asks for exports, and hands out those that are done. */
export function ExportPanel({ projectId }: { projectId: string }): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const queries = useQueryClient();
  const exports = useQuery(exportsQuery(projectId)).data;
  const start = useMutation({
    mutationFn: (key: string) =>
      unwrap(
        api.POST("/api/projects/{project_id}/exports", {
          params: { path: { project_id: projectId } },
          body: { format: "coco", as_of: null },
          headers: { "Idempotency-Key": key },
        }),
      ),
    retry: 2,
    onSuccess: () => queries.invalidateQueries(exportsQuery(projectId)),
  });
  const busy = start.isPending || Boolean(exports?.some((one) => one.state === "waiting"));
  return (
    <Panel
      title={t("exports.title")}
      action={
        <Button disabledFocusable={busy} onClick={() => start.mutate(newId("e"))}>
          {t("exports.coco")}
        </Button>
      }
    >
      {start.isError && (
        <p role="alert" className={styles.problem}>
          {t("exports.notStarted", { detail: problemText(start.error) })}
        </p>
      )}
      {!exports?.length && <p className={styles.quiet}>{t("exports.none")}</p>}
      <ul className={styles.list}>
        {exports?.slice(0, SHOWN).map((one) => (
          <Row key={one.export_id} projectId={projectId} one={one} />
        ))}
      </ul>
    </Panel>
  );
}

function Row({ projectId, one }: { projectId: string; one: Export }): ReactNode {
  const { t, i18n } = useTranslation();
  const styles = useStyles();
  const [failed, setFailed] = useState("");
  const download = async () => {
    try {
      const { url, name } = await unwrap(
        api.POST("/api/projects/{project_id}/exports/{export_id}/link", {
          params: { path: { project_id: projectId, export_id: one.export_id } },
          body: { name: LABELS },
        }),
      );
      setFailed("");
      const link = document.createElement("a");
      link.href = url;
      link.download = name.slice(name.lastIndexOf("/") + 1);
      link.click();
    } catch (error) {
      setFailed(problemText(error));
    }
  };
  const time = formatTime(one.as_of, i18n.language);
  return (
    <li className={styles.row} data-testid="export" data-state={one.state}>
      <span className={styles.when}>
        {time}
        {one.state === "done" && (
          <span className={styles.quiet}>{t("exports.images", { count: one.exported })}</span>
        )}
        {(one.problem || failed) && (
          <span role="alert" className={styles.problem}>
            {t("exports.failed", { detail: failed || one.problem })}
          </span>
        )}
      </span>
      {one.state === "waiting" && (
        <Spinner size="tiny" label={t("exports.waiting")} labelPosition="before" />
      )}
      {one.state === "done" && (
        <Button
          size="small"
          icon={<Icon name="download" size={16} />}
          aria-label={t("exports.downloadOf", { time })}
          onClick={download}
        >
          {t("exports.download")}
        </Button>
      )}
    </li>
  );
}
