import { Button, makeStyles, tokens } from "@fluentui/react-components";
import type { ParseKeys } from "i18next";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { LabelClass, Run } from "@/api/types";
import { formatDuration, formatNumber, formatPercent, formatTime } from "@/format";

import { ModelReport } from "./ModelReport";

const SHOWN = 8;

/** What is measured as a share of something. */
const SHARES: ReadonlySet<string> = new Set([
  "accuracy",
  "accuracy_frozen",
  "class_accuracy",
  "coverage",
  "coverage_ungrouped",
  "precision",
  "precision_at_least",
  "sound_images",
  "sound_images_at_least",
  "recall",
]);

const useStyles = makeStyles({
  list: { margin: "16px 0 0", padding: 0, listStyle: "none" },
  row: {
    borderTop: `1px solid ${tokens.colorNeutralStroke3}`,
    padding: "8px 0",
    "& summary": { cursor: "pointer" },
  },
  line: { display: "inline-flex", flexWrap: "wrap", gap: "4px 12px", verticalAlign: "top" },
  kind: { fontWeight: 600 },
  quiet: { color: tokens.colorNeutralForeground3 },
  failed: { color: tokens.colorStatusDangerForeground1 },
  reason: { margin: "4px 0 0" },
  metrics: {
    display: "grid",
    gridTemplateColumns: "max-content 1fr",
    gap: "2px 16px",
    margin: "8px 0",
    "& dd": { margin: 0, fontVariantNumeric: "tabular-nums" },
  },
  log: {
    margin: "8px 0 0",
    padding: "8px 12px",
    maxHeight: "200px",
    overflow: "auto",
    whiteSpace: "pre-wrap",
    fontSize: "12px",
    lineHeight: "18px",
    backgroundColor: tokens.colorNeutralBackground2,
    borderRadius: "4px",
  },
});

interface Props {
  projectId: string;
  classes: readonly LabelClass[];
  runs: readonly Run[];
  /** Starts a run again that failed; null where one may not. */
  onAgain: ((run: Run) => void) | null;
}

/** Runs, newest first: how each ended or how far it is; opened, what it measured and said. */
export function RunList({ projectId, classes, runs, onAgain }: Props): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const [all, setAll] = useState(false);
  return (
    <>
      <ul className={styles.list} aria-label={t("assist.runs")}>
        {runs.slice(0, all ? undefined : SHOWN).map((run) => (
          <li key={run.run_id} className={styles.row}>
            <RunRow
              projectId={projectId}
              classes={classes}
              run={run}
              onAgain={
                run.state === "failed" && runs.find((one) => one.kind === run.kind) === run
                  ? onAgain
                  : null
              }
            />
          </li>
        ))}
      </ul>
      {runs.length > SHOWN && !all && (
        <Button size="small" appearance="subtle" onClick={() => setAll(true)}>
          {t("assist.allRuns", { count: runs.length })}
        </Button>
      )}
    </>
  );
}

interface RowProps extends Pick<Props, "projectId" | "classes" | "onAgain"> {
  run: Run;
}

function RunRow({ projectId, classes, run, onAgain }: RowProps): ReactNode {
  const { t, i18n } = useTranslation();
  const styles = useStyles();
  const number = (value: number) => formatNumber(value, i18n.language);
  const end = run.finished_at
    ? new Date(run.finished_at).getTime()
    : new Date(run.active_at).getTime();
  const took = run.started_at ? end - new Date(run.started_at).getTime() : 0;
  const { done, total } = run.progress;
  const [opened, setOpened] = useState(false);
  const judged = run.state === "done" && (run.kind === "training" || run.kind === "validation");
  return (
    <details onToggle={(event) => setOpened(event.currentTarget.open)}>
      <summary>
        <span className={styles.line}>
          <span className={styles.kind}>{t(`assist.kinds.${run.kind}`)}</span>
          <span className={run.state === "failed" ? styles.failed : undefined}>
            {t(`assist.states.${run.state}`)}
          </span>
          {run.state === "running" && total > 0 && (
            <span>{t("assist.progress", { done: number(done), total: number(total) })}</span>
          )}
          {took > 0 && <span className={styles.quiet}>{formatDuration(took, i18n.language)}</span>}
          <span className={styles.quiet}>{formatTime(run.created_at, i18n.language)}</span>
        </span>
      </summary>
      {run.reason && <p className={styles.reason}>{run.reason}</p>}
      {onAgain && <Button onClick={() => onAgain(run)}>{t("assist.again")}</Button>}
      {Object.keys(run.metrics).length > 0 && (
        <dl className={styles.metrics}>
          {Object.entries(run.metrics).map(([name, value]) => (
            <Metric key={name} name={name} value={value} />
          ))}
        </dl>
      )}
      {opened && judged && run.model_id && (
        <ModelReport projectId={projectId} modelId={run.model_id} classes={classes} />
      )}
      {run.log.length > 0 && (
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls
        <pre className={styles.log} tabIndex={0} aria-label={t("assist.log")}>
          {run.log.map((line) => `${formatTime(line.at, i18n.language)}  ${line.text}`).join("\n")}
        </pre>
      )}
    </details>
  );
}

/** What a run measured; by the name it is kept under where that is of another version. */
function Metric({ name, value }: { name: string; value: number | string }): ReactNode {
  const { t, i18n } = useTranslation();
  const key = `metrics.${name}` as ParseKeys;
  return (
    <>
      <dt>{i18n.exists(key) ? t(key) : name}</dt>
      <dd>{written(name, value, i18n.language)}</dd>
    </>
  );
}

function written(name: string, value: number | string, language: string): string {
  if (typeof value !== "number") return value;
  return SHARES.has(name)
    ? formatPercent(value, language, 1)
    : new Intl.NumberFormat(language, { maximumFractionDigits: 4 }).format(value);
}
