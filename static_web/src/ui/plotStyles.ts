import { makeStyles, tokens } from "@fluentui/react-components";

/** A plot with its ends written beside and below it, as all charts of the admin's pages have it. */
export const usePlotStyles = makeStyles({
  chart: {
    display: "grid",
    gridTemplateColumns: "auto minmax(0, 1fr)",
    gridTemplateRows: "140px auto",
    gap: "4px 8px",
    fontSize: "12px",
    lineHeight: "16px",
    color: tokens.colorNeutralForeground3,
    fontVariantNumeric: "tabular-nums",
  },
  side: { display: "flex", flexDirection: "column", justifyContent: "space-between" },
  foot: { gridColumn: 2, display: "flex", justifyContent: "space-between" },
  plot: { width: "100%", height: "100%", overflow: "visible" },
});
