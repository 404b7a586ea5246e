import { makeStyles, tokens } from "@fluentui/react-components";
import type { ReactNode } from "react";

const useStyles = makeStyles({
  bar: {
    display: "flex",
    height: "8px",
    width: "100%",
    gap: "1px",
    borderRadius: "4px",
    overflow: "hidden",
    backgroundColor: tokens.colorNeutralStroke2,
  },
  part: {
    height: "100%",
    transformOrigin: "left",
    "@media (forced-colors: active)": { backgroundColor: "Highlight" },
  },
});

export interface Part {
  count: number;
  color: string;
}

/** Parts of a whole; the numbers stand beside it, so it is only decoration. */
export function ProgressBar({ parts, total }: { parts: Part[]; total: number }): ReactNode {
  const styles = useStyles();
  return (
    <div className={styles.bar} aria-hidden>
      {parts
        .filter((part) => part.count > 0)
        .map((part) => (
          <div
            key={part.color}
            className={styles.part}
            style={{
              width: `${(100 * part.count) / Math.max(total, 1)}%`,
              backgroundColor: part.color,
            }}
          />
        ))}
    </div>
  );
}
