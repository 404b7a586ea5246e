import { makeStyles, tokens } from "@fluentui/react-components";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { AssistView, LabelClass } from "@/api/types";
import { formatNumber, formatPercent } from "@/format";

const useStyles = makeStyles({
  scroll: { overflowX: "auto", marginTop: "16px" },
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
  quiet: { color: tokens.colorNeutralForeground3, margin: "8px 0 0" },
});

type Lift = NonNullable<AssistView["lift"]>;

interface Props {
  lift: Lift;
  withdrawn: AssistView["withdrawn"];
  classes: readonly LabelClass[];
}

/** What suggestions came to, beside images that are kept without; and the classes they made worse. */
export function LiftTable({ lift, withdrawn, classes }: Props): ReactNode {
  const { t, i18n } = useTranslation();
  const styles = useStyles();
  const number = (value: number) => formatNumber(value, i18n.language);
  const rows: [
    "images" | "agreed" | "seconds" | "corrections",
    (side: Lift["blind"], assisted: boolean) => string,
  ][] = [
    ["images", (side) => number(side.images)],
    [
      "agreed",
      (side) => (side.images ? formatPercent(side.agreed / side.images, i18n.language) : "–"),
    ],
    ["seconds", (side) => (side.seconds === null ? "–" : number(side.seconds))],
    ["corrections", (_, assisted) => (assisted ? number(lift.corrections) : "–")],
  ];
  const gone = classes.filter((one) => one.class_id in withdrawn);
  return (
    <div className={styles.scroll}>
      <table className={styles.table}>
        <caption className={styles.title}>{t("assist.lift.title")}</caption>
        <thead>
          <tr>
            <td />
            {(["assisted", "blind"] as const).map((one) => (
              <th key={one} scope="col" className={styles.head}>
                {t(`assist.lift.${one}`)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(([name, of]) => (
            <tr key={name} className={styles.row}>
              <th scope="row" className={styles.name}>
                {t(`assist.lift.${name}`)}
              </th>
              <td className={styles.cell}>{of(lift.assisted, true)}</td>
              <td className={styles.cell}>{of(lift.blind, false)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {gone.map((one) => (
        <p key={one.class_id} className={styles.quiet}>
          {t(withdrawn[one.class_id] === "slow" ? "assist.lift.slow" : "assist.lift.wrong", {
            name: one.name,
          })}
        </p>
      ))}
    </div>
  );
}
