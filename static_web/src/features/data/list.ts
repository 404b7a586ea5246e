/** The list of images as it is now: what was loaded page by page, and its top, looked at again and again. */
import type { ItemLine } from "@/api/types";

/** The beginning of a list, newest first. `whole`: there is nothing behind it. */
export interface Top {
  items: readonly ItemLine[];
  whole: boolean;
}

/**
 * What is new comes on top, and what has left the part that the top covers goes.
 *
 * Null where the top does not reach what was loaded: then all is to be loaded anew.
 */
export function withTop(loaded: readonly ItemLine[], top: Top): ItemLine[] | null {
  if (top.whole) return [...top.items];
  const last = top.items.at(-1);
  if (!last) return [...loaded];
  const inTop = new Set(top.items.map((one) => one.item_id));
  const end = loaded.findIndex((one) => one.item_id === last.item_id);
  const first = loaded[0];
  if (end < 0 && first && first.changed_at < last.changed_at) return null;
  const behind = loaded.filter(
    (one, at) => at > end && !inTop.has(one.item_id) && one.changed_at <= last.changed_at,
  );
  return [...top.items, ...behind];
}
