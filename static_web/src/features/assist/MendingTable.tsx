import { makeStyles, tokens } from "@fluentui/react-components";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { AssistView, LabelClass } from "@/api/types";
import { formatNumber } from "@/format";

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
});

type Lift = NonNullable<AssistView["lift"]>;
type Shapes = NonNullable<Lift["shapes"]>;

const COLUMNS = ["kept", "mended", "removed", "added", "overlap", "moved_px", "points"] as const;

/** What became of suggested boxes or polygons in labelers' hands, of all and of each class. */
export function MendingTable({
  lift,
  classes,
}: {
  lift: Lift;
  classes: readonly LabelClass[];
}): ReactNode {
  const { t, i18n } = useTranslation();
  const styles = useStyles();
  if (!lift.shapes) return null;
  const names = new Map(classes.map((one) => [one.class_id, one.name]));
  const rows: [string, string, Shapes][] = [
    ["", t("assist.mending.all"), lift.shapes],
    ...lift.classes.flatMap((one): [string, string, Shapes][] =>
      one.shapes ? [[one.class_id, names.get(one.class_id) ?? one.class_id, one.shapes]] : [],
    ),
  ];
  return (
    <div className={styles.scroll}>
      <table className={styles.table}>
        <caption className={styles.title}>{t("assist.mending.title")}</caption>
        <thead>
          <tr>
            <td />
            {COLUMNS.map((one) => (
              <th key={one} scope="col" className={styles.head}>
                {t(`assist.mending.${one}`)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(([key, name, of]) => (
            <tr key={key} className={styles.row}>
              <th scope="row" className={styles.name}>
                {name}
              </th>
              {COLUMNS.map((one) => {
                const value = of[one];
                return (
                  <td key={one} className={styles.cell}>
                    {value === null ? "–" : formatNumber(value, i18n.language)}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
