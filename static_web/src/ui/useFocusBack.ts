import { useEffect, useLayoutEffect, useRef } from "react";

type Place = () => HTMLElement | null | undefined;

/**
 * Gives the focus back when a dialog closes that no trigger of its own opened: to where it was, or to
 * `otherwise` where that has gone.
 */
export function useFocusBack(open: boolean, otherwise?: Place): void {
  const latest = useRef(otherwise);
  useEffect(() => {
    latest.current = otherwise;
  });
  useLayoutEffect(() => {
    if (!open) return;
    const before = document.activeElement;
    return () => giveBack(before, () => latest.current?.(), FRAMES);
  }, [open]);
}

const FRAMES = 30; // a dialog goes some frames after it was closed, and takes the focus with it

/** Whether somebody is at a dialog or a menu, from which the keyboard must not be taken. */
export function isAsked(): boolean {
  return Boolean(document.activeElement?.closest("[role=dialog], [role=menu]"));
}

/** Gives the keyboard to a place in the next frame, unless somebody types in a field by then. */
export function focusSoon(focus: () => void): void {
  requestAnimationFrame(() => {
    if (!document.activeElement?.closest("input, textarea, select")) focus();
  });
}

function giveBack(before: Element | null, otherwise: Place, frames: number): void {
  requestAnimationFrame(() => {
    const now = document.activeElement;
    if (now && now !== document.body && !now.closest("[role=dialog]")) return;
    const isThere = before instanceof HTMLElement && before.isConnected && before !== document.body;
    const target = isThere ? before : otherwise();
    target?.focus();
    if (frames > 0 && document.activeElement !== target) giveBack(before, otherwise, frames - 1);
  });
}
