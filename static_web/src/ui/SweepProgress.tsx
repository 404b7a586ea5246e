import { Button, makeStyles, tokens } from "@fluentui/react-components";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { api, unwrap } from "@/api/client";
import { sweepsQuery } from "@/api/queries";
import type { LabelClass, Sweep } from "@/api/types";
import { formatNumber } from "@/format";

import { ProgressBar } from "./ProgressBar";

const useStyles = makeStyles({
  root: { display: "grid", gap: "4px", marginBlock: "8px" },
  words: { margin: 0, color: tokens.colorNeutralForeground2 },
});

interface Props {
  projectId: string;
  sweep: Sweep & { stalled: boolean };
  classes: readonly LabelClass[];
}

/** How far one change of many images is, and what came of it. */
export function SweepProgress({ projectId, sweep, classes }: Props): ReactNode {
  const { t, i18n } = useTranslation();
  const styles = useStyles();
  const queries = useQueryClient();
  const resume = useMutation({
    mutationFn: () =>
      unwrap(
        api.POST("/api/projects/{project_id}/sweeps/{sweep_id}/resume", {
          params: { path: { project_id: projectId, sweep_id: sweep.sweep_id } },
        }),
      ),
    onSettled: () => queries.invalidateQueries(sweepsQuery(projectId)),
  });
  const number = (value: number) => formatNumber(value, i18n.language);
  const nameOf = (id: string | null) => classes.find((one) => one.class_id === id)?.name ?? "";
  const what = t(`sweeps.what.${sweep.what}`, {
    from: nameOf(sweep.class_id),
    into: nameOf(sweep.into),
  });
  const left = Object.values(sweep.left).reduce((sum, one) => sum + one, 0);
  return (
    <div className={styles.root} role="status">
      <p className={styles.words}>
        {sweep.finished_at
          ? t("sweeps.done", { what, count: sweep.done })
          : t("sweeps.running", {
              what,
              looked: number(sweep.looked),
              items: number(sweep.items),
              count: sweep.done,
            })}
        {left > 0 && ` ${t("sweeps.left", { count: left })}`}
        {sweep.stalled &&
          ` ${sweep.problem ? t("sweeps.stopped", { why: sweep.problem }) : t("sweeps.stalled")}`}
      </p>
      {sweep.stalled && (
        <span>
          <Button size="small" disabledFocusable={resume.isPending} onClick={() => resume.mutate()}>
            {t("sweeps.resume")}
          </Button>
        </span>
      )}
      {!sweep.finished_at && (
        <ProgressBar
          total={sweep.items}
          parts={[{ count: sweep.looked, color: tokens.colorBrandBackground }]}
        />
      )}
    </div>
  );
}
