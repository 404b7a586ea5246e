import { makeStyles, tokens } from "@fluentui/react-components";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { progressQuery } from "@/api/queries";
import type { Coefficient, Project } from "@/api/types";
import { formatNumber, formatPercent } from "@/format";
import { Panel } from "@/ui/Panel";

const useStyles = makeStyles({
  scroll: { overflowX: "auto", marginTop: "12px" },
  table: { width: "100%", borderCollapse: "collapse", textAlign: "left" },
  title: { textAlign: "left", fontWeight: 600, paddingBottom: "4px" },
  head: {
    padding: "4px 16px 8px 0",
    fontSize: "12px",
    lineHeight: "16px",
    fontWeight: 600,
    color: tokens.colorNeutralForeground3,
  },
  row: { borderTop: `1px solid ${tokens.colorNeutralStroke3}` },
  cell: { padding: "6px 16px 6px 0", fontVariantNumeric: "tabular-nums" },
  name: { padding: "6px 16px 6px 0", fontWeight: 400 },
  sentence: { margin: "0 0 4px" },
  quiet: { color: tokens.colorNeutralForeground3, margin: 0 },
});

/** Krippendorff's own bounds: what may be relied on, and what allows tentative conclusions. */
const RELIABLE = 0.8;
const TENTATIVE = 0.667;

function wordFor(alpha: number): "reliable" | "tentative" | "poor" {
  return alpha >= RELIABLE ? "reliable" : alpha >= TENTATIVE ? "tentative" : "poor";
}

/** How well people agree who label the same images; nothing where nobody does. */
export function AgreementPanel({ project }: { project: Project }): ReactNode {
  const { t, i18n } = useTranslation();
  const styles = useStyles();
  const progress = useQuery(progressQuery(project.project_id)).data;
  const found = progress?.agreement;
  if (!found) return null;
  const two = (value: number) => formatNumber(Math.round(value * 100) / 100, i18n.language);
  const percent = (value: number) => formatPercent(value, i18n.language);
  const written = ({ alpha, low, high }: Coefficient) =>
    alpha === null || low === null || high === null
      ? "–"
      : t("quality.interval", { alpha: two(alpha), low: two(low), high: two(high) });
  const classNames = new Map(project.classes.map((one) => [one.class_id, one.name]));
  const people = new Map(progress.labelers.map((one) => [one.user, one.name]));
  const drawn = found.classes.some((one) => one.found !== null);
  return (
    <Panel title={t("quality.agreement")}>
      <p className={styles.sentence}>
        {t("quality.images", { agreed: found.agreed, disputed: found.disputed })}
      </p>
      <p className={styles.sentence}>
        {t("quality.alpha", { alpha: written(found.coefficient) })}{" "}
        {found.coefficient.alpha !== null && t(`quality.words.${wordFor(found.coefficient.alpha)}`)}
      </p>
      {found.iou !== null && (
        <p className={styles.quiet}>{t("quality.meanIou", { iou: two(found.iou) })}</p>
      )}
      <div className={styles.scroll}>
        <table className={styles.table}>
          <caption className={styles.title}>{t("quality.byClass")}</caption>
          <thead>
            <tr>
              <th scope="col" className={styles.head}>
                {t("quality.columns.class")}
              </th>
              <th scope="col" className={styles.head}>
                {t("quality.columns.alpha")}
              </th>
              {drawn && (
                <th scope="col" className={styles.head}>
                  {t("quality.columns.found")}
                </th>
              )}
            </tr>
          </thead>
          <tbody>
            {found.classes.map((one) => (
              <tr key={one.class_id} className={styles.row}>
                <th scope="row" className={styles.name}>
                  {classNames.get(one.class_id) ?? one.class_id}
                </th>
                <td className={styles.cell}>{written(one.coefficient)}</td>
                {drawn && (
                  <td className={styles.cell}>{one.found === null ? "–" : percent(one.found)}</td>
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <div className={styles.scroll}>
        <table className={styles.table}>
          <caption className={styles.title}>{t("quality.byPerson")}</caption>
          <thead>
            <tr>
              <th scope="col" className={styles.head}>
                {t("dashboard.columns.name")}
              </th>
              <th scope="col" className={styles.head}>
                {t("quality.columns.share")}
              </th>
              <th scope="col" className={styles.head}>
                {t("quality.columns.compared")}
              </th>
            </tr>
          </thead>
          <tbody>
            {found.labelers.map((one) => (
              <tr key={one.user} className={styles.row}>
                <th scope="row" className={styles.name}>
                  {people.get(one.user) || one.user}
                </th>
                <td className={styles.cell}>{percent(one.share)}</td>
                <td className={styles.cell}>{formatNumber(one.compared, i18n.language)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}
