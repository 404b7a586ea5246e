/** Which suggestions were looked at: the view has rested on them for a moment, with nothing lying over it. */
import { useCallback, useEffect, useMemo, useRef, useState, type RefObject } from "react";

import type { AnnotatorHandle } from "@/annotate/Annotator";

import { NONE, type OfImage, type OnImage } from "./useOnImage";

export interface Seen {
  /** Open suggestions that nobody has looked at, on whatever frame. */
  unseen: ReadonlySet<string>;
  /** The view has moved. */
  rest: () => void;
}

/**
 * @param isShown whether the image is there, and nothing lies over it.
 * @param restMs how long the view has to rest.
 */
export function useSeen(
  { itemId, open, openEverywhere }: OnImage,
  editor: RefObject<AnnotatorHandle | null>,
  isShown: boolean,
  restMs: number,
): Seen {
  const [seen, setSeen] = useState<OfImage>(NONE);
  const ids = seen.itemId === itemId ? seen.ids : NONE.ids;
  const unseen = useMemo(
    () => new Set(openEverywhere.filter((id) => !ids.has(id))),
    [openEverywhere, ids],
  );
  const lookedAt = isShown ? itemId : undefined;
  const resting = useRef<ReturnType<typeof setTimeout>>(undefined);
  // The editor may tell of its view with what it was given a render ago: what is looked at is asked when it counts.
  const latest = useRef(lookedAt);
  useEffect(() => {
    latest.current = lookedAt;
  }, [lookedAt]);
  const rest = useCallback(() => {
    clearTimeout(resting.current);
    resting.current = setTimeout(() => {
      const itemId = latest.current;
      if (itemId === undefined || document.visibilityState !== "visible") return;
      const now = editor.current?.inView() ?? [];
      setSeen((before) => {
        const ids = new Set([...(before.itemId === itemId ? before.ids : []), ...now]);
        return before.itemId === itemId && ids.size === before.ids.size ? before : { itemId, ids };
      });
    }, restMs);
  }, [editor, restMs]);
  useEffect(() => {
    document.addEventListener("visibilitychange", rest);
    return () => {
      clearTimeout(resting.current);
      document.removeEventListener("visibilitychange", rest);
    };
  }, [rest]);
  useEffect(rest, [rest, open, lookedAt]);
  return { unseen, rest };
}
