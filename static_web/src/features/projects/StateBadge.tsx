import { makeStyles, mergeClasses, tokens } from "@fluentui/react-components";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { ProjectState } from "@/api/types";

const useStyles = makeStyles({
  root: { display: "inline-flex", alignItems: "center", gap: "8px", whiteSpace: "nowrap" },
  dot: {
    width: "8px",
    height: "8px",
    borderRadius: "50%",
    flex: "none",
    backgroundColor: tokens.colorNeutralForeground3,
  },
  running: { backgroundColor: tokens.colorCompoundBrandStroke },
  failed: { backgroundColor: tokens.colorStatusDangerForeground1 },
  paused: {
    backgroundColor: "transparent",
    boxShadow: `inset 0 0 0 2px ${tokens.colorNeutralForeground3}`,
  },
});

export function StateBadge({ state }: { state: ProjectState }): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  return (
    <span className={styles.root} data-testid="project-state" data-state={state}>
      <span
        className={mergeClasses(
          styles.dot,
          state === "running" && styles.running,
          state === "failed" && styles.failed,
          state === "paused" && styles.paused,
        )}
      />
      {t(`states.${state}`)}
    </span>
  );
}
