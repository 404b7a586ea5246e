import { makeStyles, tokens } from "@fluentui/react-components";
import type { ReactNode } from "react";

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
    overflowWrap: "normal",
  },
  row: { borderTop: `1px solid ${tokens.colorNeutralStroke3}` },
  cell: {
    padding: "6px 16px 6px 0",
    fontVariantNumeric: "tabular-nums",
    overflowWrap: "normal",
  },
  // Names and addresses are the only words that may be broken.
  name: { minWidth: "72px", padding: "6px 16px 6px 0", fontWeight: 400 },
});

interface Props {
  title: string;
  /** Of every column; empty above names that need none. */
  columns: readonly string[];
  rows: readonly { key: string; cells: readonly ReactNode[] }[];
}

/** A small table of facts: the first cell of a row names it. Scrolls sideways where it is too narrow. */
export function FactsTable({ title, columns, rows }: Props): ReactNode {
  const styles = useStyles();
  return (
    <div className={styles.scroll}>
      <table className={styles.table}>
        <caption className={styles.title}>{title}</caption>
        <thead>
          <tr>
            {columns.map((one, at) =>
              one ? (
                <th key={one} scope="col" className={styles.head}>
                  {one}
                </th>
              ) : (
                <td key={at} />
              ),
            )}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ key, cells: [name, ...facts] }) => (
            <tr key={key} className={styles.row}>
              <th scope="row" className={styles.name}>
                {name}
              </th>
              {facts.map((one, at) => (
                <td key={at} className={styles.cell}>
                  {one}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
