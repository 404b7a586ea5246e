/** The outline that is being drawn, kept in this browser: a reload in the middle of a polygon loses no point. */
import type { Draft } from "@/annotate/tools/tool";
import type { ToolId } from "@/annotate/tools/tools";

export interface KeptDraft extends Draft {
  itemId: string;
  /** From 0. */
  frame: number;
  tool: ToolId;
}

const KEPT = "labelry.outline.";

/** Keeps it in place of another; null: there is none any more. `place` is of one person in one project. */
export function keepDraft(place: string, draft: KeptDraft | null): void {
  try {
    if (draft) localStorage.setItem(KEPT + place, JSON.stringify(draft));
    else localStorage.removeItem(KEPT + place);
  } catch {
    /* The browser keeps no more: then only what is closed outlives a reload. */
  }
}

/** What was being drawn on the first frame of an image. */
export function keptDraft(place: string, itemId: string | undefined): KeptDraft | null {
  const kept = read(place);
  return isDraft(kept) && kept.itemId === itemId && kept.frame === 0 ? kept : null;
}

function read(place: string): unknown {
  try {
    return JSON.parse(localStorage.getItem(KEPT + place) ?? "null");
  } catch {
    return null;
  }
}

/** Whoever can open the browser's storage may have changed it. */
function isDraft(kept: unknown): kept is KeptDraft {
  if (typeof kept !== "object" || kept === null) return false;
  const { points, purpose, tool } = kept as Partial<KeptDraft>;
  return (
    Array.isArray(points) &&
    points.every((one) => Array.isArray(one) && one.length === 2 && one.every(Number.isFinite)) &&
    typeof purpose === "string" &&
    typeof tool === "string"
  );
}
