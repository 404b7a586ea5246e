import { makeStyles, tokens } from "@fluentui/react-components";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { Icon, type IconName } from "@/ui/Icon";

import { describeWork } from "../session/describe";
import type { Work } from "../session/session";

const useStyles = makeStyles({
  place: {
    position: "absolute",
    insetInline: "8px",
    top: "12px",
    display: "flex",
    justifyContent: "center",
    pointerEvents: "none",
  },
  mark: {
    display: "flex",
    alignItems: "center",
    gap: "8px",
    minWidth: 0,
    padding: "6px 12px",
    borderRadius: "4px",
    fontSize: "14px",
    lineHeight: "20px",
    fontWeight: 600,
    color: tokens.colorNeutralForeground1,
    backgroundColor: tokens.colorNeutralBackground1,
    border: `1px solid ${tokens.colorNeutralStroke1}`,
  },
  words: {
    maxHeight: "40px",
    overflow: "hidden",
    overflowWrap: "anywhere",
  },
});

/**
 * Over an image of which no label tells what was decided: it was skipped, left to a reviewer, or shows nothing.
 * Who does not see it is told by the name of the image, or the line beside it.
 */
export function OutcomeMark({
  work,
  isEmpty = !work?.annotations.length,
}: {
  work: Work | undefined;
  /** Whether nothing is seen on what is shown of the image. */
  isEmpty?: boolean;
}): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const icon = iconOf(work, isEmpty);
  if (!work || !icon) return null;
  return (
    <div className={styles.place} data-testid="mark" aria-hidden>
      <span className={styles.mark}>
        <Icon name={icon} />
        <span className={styles.words}>{describeWork(t, { ...work, annotations: [] }, [])}</span>
      </span>
    </div>
  );
}

function iconOf(work: Work | undefined, isEmpty: boolean): IconName | null {
  switch (work?.outcome) {
    case "skipped":
      return "skip";
    case "needs_review":
      return "ask";
    case "labeled":
      return isEmpty ? "nothing" : null;
    default:
      return null;
  }
}
