import { Button, makeStyles, tokens } from "@fluentui/react-components";
import { useEffect, useRef, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { useKey } from "@/keys/keyMap";

const useStyles = makeStyles({
  line: {
    position: "relative",
    display: "flex",
    alignItems: "center",
    gap: "8px",
    minWidth: 0,
    paddingBlock: "4px",
    fontSize: "13px",
    whiteSpace: "nowrap",
  },
  words: { overflow: "hidden", textOverflow: "ellipsis", fontWeight: 600 },
  key: { marginLeft: "6px", fontFamily: "inherit", fontSize: "12px", opacity: 0.75 },
  left: {
    position: "absolute",
    bottom: 0,
    left: 0,
    width: "100%",
    height: "2px",
    transformOrigin: "left",
    backgroundColor: tokens.colorCompoundBrandStroke,
    animationName: { to: { transform: "scaleX(0)" } },
    animationTimingFunction: "linear",
    animationFillMode: "forwards",
    "@media (prefers-reduced-motion: reduce)": { animationName: "none" },
  },
});

interface Props {
  words: string;
  ms: number;
  onUndo: () => void;
  onEnd: () => void;
}

/** What was said last, while it can still be taken back before it is sent. */
export function UndoLine({ words, ms, onUndo, onEnd }: Props): ReactNode {
  const { t } = useTranslation();
  const styles = useStyles();
  const key = useKey("undo").name;
  const end = useRef(onEnd);
  useEffect(() => {
    end.current = onEnd;
  });
  useEffect(() => {
    const timer = setTimeout(() => end.current(), ms);
    return () => clearTimeout(timer);
  }, [ms]);
  return (
    <div className={styles.line} data-testid="said">
      <span className={styles.words}>{words}</span>
      <Button size="small" appearance="subtle" onClick={onUndo}>
        {t("commands.undo")}
        <kbd className={styles.key} aria-hidden>
          {key}
        </kbd>
      </Button>
      <span className={styles.left} style={{ animationDuration: `${ms}ms` }} />
    </div>
  );
}
