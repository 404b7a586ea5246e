import { makeStyles } from "@fluentui/react-components";
import { useEffect, useState, type ReactNode } from "react";

const useStyles = makeStyles({
  hidden: {
    position: "absolute",
    width: "1px",
    height: "1px",
    overflow: "hidden",
    clipPath: "inset(50%)",
    whiteSpace: "nowrap",
  },
});

let tell: (text: string) => void = () => undefined;

/** Says something to people who use a screen reader. */
export function announce(text: string): void {
  tell(text);
}

export const AT_REST_MS = 500;
let atRest: ReturnType<typeof setTimeout> | undefined;

/** Says it unless something else follows at once: of what runs by, where it comes to rest. */
export function announceAtRest(text: string): void {
  clearTimeout(atRest);
  atRest = setTimeout(() => announce(text), AT_REST_MS);
}

/** The one live region of the app. */
export function Announcer(): ReactNode {
  const styles = useStyles();
  const [said, setSaid] = useState({ text: "", times: 0 });
  useEffect(() => {
    tell = (text) => setSaid((before) => ({ text, times: before.times + 1 }));
    return () => {
      tell = () => undefined;
    };
  }, []);
  return (
    <div role="status" aria-live="polite" className={styles.hidden}>
      {/* A new node, so that the same words are said again. */}
      <span key={said.times}>{said.text}</span>
    </div>
  );
}
