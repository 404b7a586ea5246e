import { makeStyles, tokens } from "@fluentui/react-components";
import type { TFunction } from "i18next";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { leftIn, usableIn } from "@/api/queries";
import type { Progress } from "@/api/types";
import { formatNumber, formatWeekday } from "@/format";
import { Icon } from "@/ui/Icon";
import { Panel } from "@/ui/Panel";
import { ProgressBar } from "@/ui/ProgressBar";

import { Count } from "./Count";
import { imagesOf } from "./links";
import { doneAt } from "./pace";

const useStyles = makeStyles({
  sentence: { margin: "0 0 12px", fontSize: "16px", lineHeight: "24px" },
  legend: { display: "flex", flexWrap: "wrap", gap: "8px 24px", margin: "14px 0 0" },
  entry: { display: "flex", alignItems: "center", gap: "8px" },
  dot: { width: "10px", height: "10px", borderRadius: "2px", flex: "none" },
  quiet: { color: tokens.colorNeutralForeground3, margin: 0 },
});

const slices = [
  { state: "labeled", color: tokens.colorCompoundBrandStroke },
  { state: "skipped", color: tokens.colorNeutralForeground4 },
  { state: "needs_review", color: tokens.colorPaletteMarigoldBackground3 },
] as const;

const leftOut = ["not_an_image", "folder"] as const;

function isLeftOut(why: string): why is (typeof leftOut)[number] {
  return (leftOut as readonly string[]).includes(why);
}

/** Today and tomorrow by these words, the next days by their names, others by their dates. */
function paceText(t: TFunction, done: Date, now: string, language: string): string {
  const { day, near } = formatWeekday(done, new Date(now), language);
  return t(near ? "dashboard.paceSoon" : "dashboard.paceDay", { day });
}

interface Props {
  projectId: string;
  progress: Progress | undefined;
  /** Numbers lead to the images behind them. */
  linked: boolean;
}

/** How far a project is. */
export function ProgressPanel({ projectId, progress, linked }: Props): ReactNode {
  const { t, i18n } = useTranslation();
  const styles = useStyles();
  const number = (value: number) => formatNumber(value, i18n.language);
  const excluded = progress?.states["excluded"] ?? 0;
  const total = usableIn(progress);
  const done = progress && doneAt(progress);
  const asking = progress?.states["needs_review"] ?? 0;
  const labeled = progress?.states["labeled"] ?? 0;
  const reading = progress?.state === "initializing";
  const unusable = (progress?.states["unreadable"] ?? 0) + (progress?.over_limit ?? 0);
  const leftOutText = (why: string) => (isLeftOut(why) ? t(`leftOut.${why}`) : why);
  const href = (state: string) => (linked ? imagesOf(projectId, { state }) : null);
  const skipped = Object.entries(progress?.refresh?.skipped ?? {});
  return (
    <Panel title={t("project.progress")}>
      <p className={styles.sentence} data-testid="progress-sentence">
        {!progress
          ? " "
          : reading
            ? t("project.reading", { images: number(total) })
            : [
                t("project.sentence", { labeled: number(labeled), total: number(total) }),
                done && paceText(t, done, progress.at, i18n.language),
                asking > 0 && t("project.asking", { count: asking }),
              ]
                .filter(Boolean)
                .join(" ")}
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
            <Count
              count={progress && (progress.states[state] ?? 0)}
              name={t(`itemStates.${state}`)}
              href={href(state)}
              testId={`count-${state}`}
            />
          </span>
        ))}
        <span className={styles.entry}>
          <span className={styles.dot} style={{ backgroundColor: tokens.colorNeutralStroke2 }} />
          {t("itemStates.left")}
          <Count
            count={progress && leftIn(progress)}
            name={t("itemStates.left")}
            href={href("available")}
            testId="count-left"
          />
        </span>
        {excluded > 0 && (
          <span className={styles.entry}>
            {t("itemStates.excluded")}
            <Count count={excluded} name={t("itemStates.excluded")} href={href("excluded")} />
          </span>
        )}
        {unusable > 0 && (
          <span className={styles.entry}>
            <Icon name="warning" size={16} />
            {t("itemStates.unusable")}
            <Count
              count={unusable}
              name={t("itemStates.unusable")}
              href={progress?.over_limit ? null : href("unreadable")}
            />
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
