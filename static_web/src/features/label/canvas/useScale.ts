import { useCallback, useRef, useState } from "react";

const EVERY_MS = 150;

/** How near the view is, told a few times a second: the page around it is not drawn anew for each step of the wheel. */
export function useScale(): [scale: number, follow: (scale: number) => void] {
  const [scale, setScale] = useState(1);
  const latest = useRef(1);
  const waiting = useRef<ReturnType<typeof setTimeout>>(undefined);
  const follow = useCallback((now: number): void => {
    latest.current = now;
    waiting.current ??= setTimeout(() => {
      waiting.current = undefined;
      setScale(latest.current);
    }, EVERY_MS);
  }, []);
  return [scale, follow];
}
