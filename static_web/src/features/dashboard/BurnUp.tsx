import { makeStyles, tokens } from "@fluentui/react-components";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { Progress } from "@/api/types";
import { formatDay, formatNumber } from "@/format";
import { FactsTable } from "@/ui/FactsTable";
import { usePlotStyles } from "@/ui/plotStyles";

import { ChartPanel } from "./ChartPanel";
import { Count } from "./Count";
import { imagesOf } from "./links";
import { daysOf, type Day } from "./pace";

const useStyles = makeStyles({
  quiet: { color: tokens.colorNeutralForeground3, margin: 0 },
  said: { margin: "8px 0 0" },
});

interface Props {
  projectId: string;
  progress: Progress | undefined;
  /** How many there are to label. */
  total: number;
  linked: boolean;
}

/** How many images were labeled by each day, beside how many there are. */
export function BurnUp({ projectId, progress, total, linked }: Props): ReactNode {
  const { t, i18n } = useTranslation();
  const styles = useStyles();
  const plot = usePlotStyles();
  const number = (value: number) => formatNumber(value, i18n.language);
  const days = progress ? daysOf(progress) : [];
  const [first, last] = [days[0], days.at(-1)];
  const day = (one: Day) => formatDay(one.day, i18n.language);
  const said =
    first && last
      ? t("dashboard.burnUpSaid", {
          labeled: number(last.inAll),
          total: number(total),
          day: day(first),
          today: number(last.images),
        })
      : "";
  const table = (
    <FactsTable
      title={t("dashboard.burnUp")}
      columns={[t("dashboard.day"), t("dashboard.labeledOn"), t("dashboard.inAll")]}
      rows={days.toReversed().map((one) => ({
        key: one.day,
        cells: [
          day(one),
          <Count
            key="that"
            count={one.images}
            name={day(one)}
            href={
              linked
                ? imagesOf(projectId, {
                    state: "labeled",
                    labeled_from: one.day,
                    labeled_to: one.day,
                  })
                : null
            }
          />,
          number(one.inAll),
        ],
      }))}
    />
  );
  return (
    <ChartPanel title={t("dashboard.burnUp")} table={table}>
      {first && last ? (
        <>
          <div className={plot.chart}>
            <span className={plot.side} aria-hidden>
              <span>{number(total)}</span>
              <span>0</span>
            </span>
            <Line days={days} total={total} said={said} />
            <span className={plot.foot} aria-hidden>
              <span>{day(first)}</span>
              {days.length > 1 && <span>{day(last)}</span>}
            </span>
          </div>
          <p className={styles.said}>{said}</p>
        </>
      ) : (
        <p className={styles.quiet}>{t("dashboard.noDays")}</p>
      )}
    </ChartPanel>
  );
}

function Line({ days, total, said }: { days: readonly Day[]; total: number; said: string }) {
  const plot = usePlotStyles();
  const most = Math.max(total, days.at(-1)?.inAll ?? 0, 1);
  const [before] = days;
  const counts = [(before?.inAll ?? 0) - (before?.images ?? 0), ...days.map((one) => one.inAll)];
  const points = counts.map(
    (count, at) => `${(100 * at) / days.length},${100 - (100 * count) / most}`,
  );
  return (
    <svg
      className={plot.plot}
      viewBox="0 0 100 100"
      preserveAspectRatio="none"
      role="img"
      aria-label={said}
    >
      <path
        d="M0,0H100M0,100H100"
        stroke={tokens.colorNeutralStroke1}
        vectorEffect="non-scaling-stroke"
      />
      <path
        d={`M0,100L${points.join("L")}L100,100Z`}
        fill={tokens.colorCompoundBrandStroke}
        fillOpacity={0.2}
      />
      <path
        d={`M${points.join("L")}`}
        fill="none"
        stroke={tokens.colorCompoundBrandStroke}
        strokeWidth={2}
        vectorEffect="non-scaling-stroke"
      />
    </svg>
  );
}
