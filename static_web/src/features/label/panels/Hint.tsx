import { makeStyles, tokens } from "@fluentui/react-components";
import { useCallback, useEffect, useState, type ReactNode } from "react";

import { announce } from "@/ui/announcer";

const READ_MS = 6_000;

const useStyles = makeStyles({
  hint: {
    overflow: "hidden",
    textOverflow: "ellipsis",
    whiteSpace: "nowrap",
    fontSize: "13px",
    lineHeight: "32px",
    color: tokens.colorNeutralForeground1,
    "@media (max-width: 1279px)": { whiteSpace: "normal", lineHeight: "20px" },
  },
});

/** Why nothing happened: announced, and to be read for a moment. The empty text takes it away. */
export function useHint(): [ReactNode, (text: string) => void] {
  const styles = useStyles();
  const [said, setSaid] = useState({ text: "", times: 0 });
  useEffect(() => {
    if (!said.text) return;
    const timer = setTimeout(() => setSaid({ text: "", times: 0 }), READ_MS);
    return () => clearTimeout(timer);
  }, [said]);
  const hint = useCallback((text: string) => {
    setSaid((before) => (text || before.text ? { text, times: before.times + 1 } : before));
    if (text) announce(text);
  }, []);
  // Screen readers have heard it by the announcer.
  const line = said.text ? (
    <div aria-hidden className={styles.hint} data-testid="hint">
      {said.text}
    </div>
  ) : null;
  return [line, hint];
}
