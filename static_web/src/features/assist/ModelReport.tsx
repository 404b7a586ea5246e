import { Link, makeStyles, mergeClasses, tokens } from "@fluentui/react-components";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { LabelClass, ModelReport as Report } from "@/api/types";
import { formatNumber, formatPercent } from "@/format";
import { FactsTable } from "@/ui/FactsTable";
import { usePlotStyles } from "@/ui/plotStyles";

import { modelQuery } from "./queries";

const useStyles = makeStyles({
  figure: { margin: "16px 0 0", maxWidth: "560px" },
  caption: { fontWeight: 600, marginBottom: "8px" },
  legend: { display: "flex", flexWrap: "wrap", gap: "4px 16px", margin: "8px 0 0", padding: 0 },
  key: { display: "inline-flex", alignItems: "center", gap: "6px", listStyle: "none" },
  stroke: { width: "20px", height: "0", borderTopWidth: "2px" },
  precise: { borderTop: `2px solid ${tokens.colorCompoundBrandStroke}` },
  covered: { borderTop: `2px dashed ${tokens.colorNeutralForeground2}` },
  from: { borderTop: `2px dotted ${tokens.colorStatusDangerForeground1}` },
  quiet: { color: tokens.colorNeutralForeground3, margin: "8px 0 0" },
  scroll: { overflowX: "auto" },
  matrix: { borderCollapse: "collapse", fontSize: "12px", lineHeight: "16px" },
  name: {
    padding: "2px 8px 2px 0",
    fontWeight: 400,
    textAlign: "right",
    maxWidth: "160px",
    overflow: "hidden",
    textOverflow: "ellipsis",
    whiteSpace: "nowrap",
  },
  number: { padding: "4px 2px", fontWeight: 400 },
  cell: {
    minWidth: "28px",
    height: "28px",
    padding: 0,
    textAlign: "center",
    fontVariantNumeric: "tabular-nums",
    border: `1px solid ${tokens.colorNeutralStroke3}`,
  },
});

interface Props {
  projectId: string;
  modelId: string;
  classes: readonly LabelClass[];
}

/** What was found out about a model: from which confidence it may suggest, what it takes for what, its card. */
export function ModelReport({ projectId, modelId, classes }: Props): ReactNode {
  const { data } = useQuery(modelQuery(projectId, modelId));
  if (!data) return null;
  return (
    <>
      {data.curve.length > 0 && <Curve report={data} />}
      {data.confusion && data.confusion.class_ids.length > 1 && (
        <Confusion confusion={data.confusion} classes={classes} />
      )}
      <Card report={data} />
    </>
  );
}

/** Of every threshold: how many suggestions would have been right, and how much would have got one. */
function Curve({ report }: { report: Report }): ReactNode {
  const { t, i18n } = useTranslation();
  const styles = useStyles();
  const plot = usePlotStyles();
  const share = (value: number) => formatPercent(value, i18n.language, 1);
  const points = [...report.curve].sort((one, other) => one.threshold - other.threshold);
  const [first, last] = [points[0], points.at(-1)];
  if (!first || !last) return null;
  const across = (threshold: number) =>
    (100 * (threshold - first.threshold)) / Math.max(last.threshold - first.threshold, 1e-9);
  const line = (values: readonly (readonly [number, number])[]) =>
    values.length ? `M${values.map(([x, y]) => `${x},${100 - 100 * y}`).join("L")}` : "";
  const precise = line(
    points
      .filter((point) => point.suggested > 0)
      .map((point) => [across(point.threshold), point.precision]),
  );
  const covered = line(points.map((point) => [across(point.threshold), point.coverage]));
  const chosen = points.find((point) => point.threshold === report.threshold);
  const said = chosen
    ? t(report.strict ? "report.chosenStrict" : "report.chosen", {
        threshold: share(chosen.threshold),
        precision: share(chosen.precision),
        coverage: share(chosen.coverage),
      })
    : t(report.strict ? "report.noneStrict" : "report.none", {
        precision: share(report.precision),
      });
  return (
    <figure className={styles.figure}>
      <figcaption className={styles.caption}>{t("report.curve")}</figcaption>
      <div className={plot.chart}>
        <span className={plot.side} aria-hidden>
          <span>{share(1)}</span>
          <span>{share(0)}</span>
        </span>
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
          {chosen && (
            <path
              d={`M${across(chosen.threshold)},0V100`}
              stroke={tokens.colorStatusDangerForeground1}
              strokeWidth={2}
              strokeDasharray="2 4"
              vectorEffect="non-scaling-stroke"
            />
          )}
          <path
            d={covered}
            fill="none"
            stroke={tokens.colorNeutralForeground2}
            strokeWidth={2}
            strokeDasharray="6 4"
            vectorEffect="non-scaling-stroke"
          />
          <path
            d={precise}
            fill="none"
            stroke={tokens.colorCompoundBrandStroke}
            strokeWidth={2}
            vectorEffect="non-scaling-stroke"
          />
        </svg>
        <span className={plot.foot} aria-hidden>
          <span>{t("report.confidence", { share: share(first.threshold) })}</span>
          <span>{share(last.threshold)}</span>
        </span>
      </div>
      <ul className={styles.legend} aria-hidden>
        <li className={styles.key}>
          <span className={mergeClasses(styles.stroke, styles.precise)} />
          {t("report.precise")}
        </li>
        <li className={styles.key}>
          <span className={mergeClasses(styles.stroke, styles.covered)} />
          {t("report.covered")}
        </li>
        {chosen && (
          <li className={styles.key}>
            <span className={mergeClasses(styles.stroke, styles.from)} />
            {t("report.from")}
          </li>
        )}
      </ul>
      <p className={styles.quiet}>{said}</p>
      <details>
        <summary>{t("dashboard.asTable")}</summary>
        <FactsTable
          title={t("report.curve")}
          columns={[
            t("report.threshold"),
            t("report.suggested"),
            t("report.wrong"),
            t("report.precise"),
            t("report.covered"),
            t("report.wrongAtMost"),
          ]}
          rows={points.toReversed().map((point) => ({
            key: String(point.threshold),
            cells: [
              share(point.threshold),
              formatNumber(point.suggested, i18n.language),
              formatNumber(point.wrong, i18n.language),
              point.suggested ? share(point.precision) : "",
              share(point.coverage),
              share(point.wrong_at_most),
            ],
          }))}
        />
      </details>
    </figure>
  );
}

/** A row a class as people chose it, a column a class as the model did; darker where more of the row are. */
function Confusion({
  confusion,
  classes,
}: {
  confusion: NonNullable<Report["confusion"]>;
  classes: readonly LabelClass[];
}): ReactNode {
  const { t, i18n } = useTranslation();
  const styles = useStyles();
  const names = confusion.class_ids.map(
    (id) => classes.find((one) => one.class_id === id)?.name ?? id,
  );
  const number = (value: number) => formatNumber(value, i18n.language);
  return (
    <figure className={styles.figure}>
      <figcaption className={styles.caption}>{t("report.confusion")}</figcaption>
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls */}
      <div className={styles.scroll} tabIndex={0} role="group" aria-label={t("report.confusion")}>
        <table className={styles.matrix}>
          <thead>
            <tr>
              <td />
              {names.map((name, at) => (
                <th key={name} scope="col" className={styles.number} title={name} aria-label={name}>
                  {at + 1}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {confusion.counts.map((row, at) => {
              const inAll = row.reduce((sum, count) => sum + count, 0);
              return (
                <tr key={confusion.class_ids[at]}>
                  <th scope="row" className={styles.name} title={names[at]}>
                    {`${at + 1} ${names[at]}`}
                  </th>
                  {row.map((count, beside) => (
                    <td
                      key={confusion.class_ids[beside]}
                      className={styles.cell}
                      style={shade(count / Math.max(inAll, 1), at === beside)}
                    >
                      {count > 0 && number(count)}
                    </td>
                  ))}
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      <p className={styles.quiet}>{t("report.confusionWhy")}</p>
    </figure>
  );
}

/** Half of the colour at most, so that a number on it stays legible in light and dark. */
function shade(share: number, right: boolean): { backgroundColor: string } {
  const colour = right ? tokens.colorCompoundBrandStroke : tokens.colorStatusDangerForeground1;
  return {
    backgroundColor: `color-mix(in srgb, ${colour} ${Math.round(45 * share)}%, transparent)`,
  };
}

/** The model's card, to be kept beside what is made with it. */
function Card({ report }: { report: Report }): ReactNode {
  const { t } = useTranslation();
  const href = useMemo(
    () => URL.createObjectURL(new Blob([report.card], { type: "text/markdown" })),
    [report.card],
  );
  useEffect(() => () => URL.revokeObjectURL(href), [href]);
  return (
    <p>
      <Link href={href} download={`${report.model_id}.md`}>
        {t("report.card")}
      </Link>
    </p>
  );
}
