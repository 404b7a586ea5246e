import { makeStyles, tokens } from "@fluentui/react-components";
import type { ReactNode } from "react";

import type { TaskType } from "@/api/types";

const useStyles = makeStyles({
  root: {
    width: "100%",
    maxWidth: "168px",
    "@media (max-width: 480px)": { maxWidth: "108px" },
    aspectRatio: "3 / 2",
    borderRadius: "4px",
    backgroundColor: tokens.colorNeutralBackground3,
  },
  thing: { fill: tokens.colorNeutralStroke1 },
  ground: { fill: tokens.colorNeutralStroke2 },
  label: { fill: tokens.colorCompoundBrandStroke },
  other: { fill: tokens.colorPaletteMarigoldBackground3 },
  third: { fill: tokens.colorPaletteGreenBackground3 },
  line: { fill: "none", stroke: tokens.colorCompoundBrandStroke, strokeWidth: "2" },
  otherLine: { fill: "none", stroke: tokens.colorPaletteMarigoldBackground3, strokeWidth: "2" },
});

const TREE = "M30 20L46 46H36V58H24V46H14Z";
const HOUSE = "M62 34L84 18L106 34V58H62Z";

/** What labelers make of one image: the same scene with a tree and a house, said and drawn in four ways. */
export function TypePicture({ type }: { type: TaskType }): ReactNode {
  const styles = useStyles();
  return (
    <svg viewBox="0 0 120 80" className={styles.root} aria-hidden>
      <rect x="0" y="58" width="120" height="22" className={styles.ground} />
      <path d={TREE} className={styles.thing} />
      <path d={HOUSE} className={styles.thing} />
      {type === "multiclass" && (
        <rect x="8" y="64" width="52" height="10" rx="5" className={styles.label} />
      )}
      {type === "multilabel" && (
        <>
          <rect x="8" y="64" width="30" height="10" rx="5" className={styles.label} />
          <rect x="42" y="64" width="36" height="10" rx="5" className={styles.other} />
          <rect x="82" y="64" width="24" height="10" rx="5" className={styles.third} />
        </>
      )}
      {type === "boxes" && (
        <>
          <rect x="12" y="18" width="36" height="42" className={styles.otherLine} />
          <rect x="60" y="16" width="48" height="44" className={styles.line} />
        </>
      )}
      {type === "polygons" && (
        <>
          <path d={TREE} className={styles.otherLine} />
          <path d={HOUSE} className={styles.line} />
        </>
      )}
    </svg>
  );
}
