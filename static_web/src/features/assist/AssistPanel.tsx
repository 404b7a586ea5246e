import { Button, makeStyles, Switch, tokens } from "@fluentui/react-components";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { api, unwrap } from "@/api/client";
import { changeProject, projectQuery } from "@/api/queries";
import type { Project, Run } from "@/api/types";
import { formatNumber, formatPercent } from "@/format";
import { problemText } from "@/problems";
import { Panel } from "@/ui/Panel";
import { ProgressBar } from "@/ui/ProgressBar";

import { LiftTable } from "./LiftTable";
import { MendingTable } from "./MendingTable";
import { assistChange, assistQuery, runsQuery } from "./queries";
import { RunList } from "./RunList";

const useStyles = makeStyles({
  sentence: { margin: "0 0 8px" },
  quiet: { color: tokens.colorNeutralForeground3, margin: "8px 0 0" },
  problem: { color: tokens.colorStatusDangerForeground1, margin: "8px 0 0" },
});

/** Whether models help with a project, how far the next training is, and what the last runs did. */
export function AssistPanel({ project }: { project: Project }): ReactNode {
  const { t, i18n } = useTranslation();
  const styles = useStyles();
  const queries = useQueryClient();
  const projectId = project.project_id;
  const assist = useQuery(assistQuery(projectId)).data;
  const runs = useQuery(runsQuery(projectId)).data;
  const admin = project.my_role === "admin";
  const on = assist?.settings.on ?? project.assist.on;
  const number = (value: number) => formatNumber(value, i18n.language);

  const look = () =>
    Promise.all([
      queries.invalidateQueries(assistQuery(projectId)),
      queries.invalidateQueries(runsQuery(projectId)),
    ]);
  const change = useMutation({
    mutationFn: (wanted: boolean) =>
      changeProject(project, { assist: assistChange({ on: wanted }) }),
    onSettled: async () => {
      await queries.invalidateQueries(projectQuery(projectId));
      await look();
    },
  });
  const train = useMutation({
    mutationFn: () =>
      unwrap(
        api.POST("/api/projects/{project_id}/train", {
          params: { path: { project_id: projectId } },
        }),
      ),
    onSettled: look,
  });
  const again = useMutation({
    mutationFn: (run: Run) =>
      unwrap(
        api.POST("/api/projects/{project_id}/runs/{run_id}/again", {
          params: { path: { project_id: projectId, run_id: run.run_id } },
        }),
      ),
    onSettled: look,
  });
  const training = Boolean(assist?.active.some((one) => one.kind === "training"));
  const failed = change.error ?? train.error ?? again.error;
  return (
    <Panel
      title={t("assist.title")}
      action={
        admin && (
          <Switch
            checked={on}
            disabled={change.isPending}
            label={on ? t("assist.on") : t("assist.off")}
            labelPosition="before"
            onChange={(_, { checked }) => change.mutate(checked)}
          />
        )
      }
    >
      {!on && <p className={styles.sentence}>{t("assist.about")}</p>}
      {on && assist && (
        <>
          <p className={styles.sentence} data-testid="assist-bar">
            {training
              ? t("assist.training")
              : t("assist.bar", {
                  labels: number(Math.min(assist.new_labels, assist.needed)),
                  needed: number(assist.needed),
                })}
          </p>
          <ProgressBar
            total={assist.needed}
            parts={[
              {
                count: Math.min(assist.new_labels, assist.needed),
                color: tokens.colorCompoundBrandStroke,
              },
            ]}
          />
          <p className={styles.quiet}>
            {!assist.model_id
              ? t("assist.noModel")
              : assist.suggests
                ? t("assist.suggests", {
                    precision: formatPercent(assist.settings.precision, i18n.language),
                  })
                : t("assist.notSure", {
                    precision: formatPercent(assist.settings.precision, i18n.language),
                  })}
          </p>
          {assist.hours !== null && assist.settings.hours_a_month !== null && (
            <p className={styles.quiet}>
              {t("assist.hours", {
                hours: number(assist.hours),
                limit: number(assist.settings.hours_a_month),
              })}
            </p>
          )}
          {admin && (
            <Button
              style={{ marginTop: "12px" }}
              disabledFocusable={training || train.isPending}
              onClick={() => train.mutate()}
            >
              {t("assist.train")}
            </Button>
          )}
          {assist.lift && (
            <>
              <LiftTable
                lift={assist.lift}
                withdrawn={assist.withdrawn}
                classes={project.classes}
              />
              <MendingTable lift={assist.lift} classes={project.classes} />
            </>
          )}
        </>
      )}
      {failed && (
        <p className={styles.problem} role="alert">
          {problemText(failed)}
        </p>
      )}
      {runs && runs.length > 0 && (
        <RunList
          projectId={project.project_id}
          classes={project.classes}
          runs={runs}
          onAgain={admin && on ? (run) => again.mutate(run) : null}
        />
      )}
    </Panel>
  );
}
