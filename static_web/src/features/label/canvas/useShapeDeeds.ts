/** What changes the shapes of an image: each change is one step to undo, and is said. */
import { useRef } from "react";
import { useTranslation } from "react-i18next";

import type { Change } from "@/annotate/edits";
import type { ToolId } from "@/annotate/tools/tools";
import type { Annotation } from "@/api/types";
import { saying, type AttributeValue } from "@/attributes";
import { announce } from "@/ui/announcer";

import type { Work } from "../session/session";
import { clock, type Deeds } from "../useDeeds";
import type { Labeling } from "../useLabeling";
import type { OnImage } from "./useOnImage";

/** Tools whose outline is closed by a click on its first point, or by Enter. */
const CLOSING_TOOLS: ReadonlySet<ToolId> = new Set(["polygon", "add", "cut"]);
/** An Enter that was to close a polygon, when the click before it has done so already, submits nothing. */
const ENTER_AFTER_CLICK_MS = 600;

export interface ShapeDeeds {
  /** Takes the shapes of the frame that is shown as the editor gives them. */
  change: (shapes: readonly Annotation[], change: Change) => void;
  remove: (ids: readonly string[]) => void;
  /** Takes suggestions as they are. */
  confirm: (ids: readonly string[]) => void;
  rejectAll: () => void;
  /** Says something of what is selected. */
  say: (name: string, value: AttributeValue | undefined) => void;
  /** Whether these were drawn last, and nothing else was changed since. */
  wereDrawn: (ids: readonly string[]) => boolean;
  /** Whether an outline was closed a moment ago, often by a click on its first point. */
  hasJustClosed: () => boolean;
  /** The outline was closed by Enter. */
  closedByKey: () => void;
}

export function useShapeDeeds(
  { open, hint }: Labeling,
  image: OnImage,
  tool: ToolId,
  act: Deeds["act"],
): ShapeDeeds {
  const { t } = useTranslation();
  const { itemId, frame, everywhere, shapes, alike, locks } = image;
  const nudged = useRef<{ ids: string; work: Work | undefined }>({ ids: "", work: undefined });
  const drawn = useRef("");
  const closedAt = useRef(0);
  const workNow = (): Work | undefined =>
    itemId === undefined ? undefined : open?.desk.state().session.pages[0]?.work[itemId];
  const change: ShapeDeeds["change"] = (next, { what, ids }) => {
    if (itemId === undefined) return;
    const mark = what === "nudge" ? ids.join() : "";
    const { ids: before, work } = nudged.current;
    const joins = mark !== "" && mark === before && work === workNow();
    const here = next.map((one) => (one.frame === frame ? one : { ...one, frame }));
    const others = everywhere.filter((one) => one.frame !== frame);
    const annotations = [...others, ...here];
    if (!act({ type: "annotate", itemId, annotations, joins, at: clock() })) return;
    nudged.current = { ids: mark, work: workNow() };
    if (what === "draw") drawn.current = ids.join();
    else if (what !== "classify") drawn.current = "";
    const closes = what === "draw" || what === "add" || what === "cut";
    closedAt.current = closes && CLOSING_TOOLS.has(tool) ? clock() : 0;
    const about = image.describe(ids, next);
    announce([t(`canvas.did.${what}`), about].filter(Boolean).join(": "));
  };
  const remove = (ids: readonly string[]): void => {
    const next = shapes.filter((one) => !ids.includes(one.annotation_id));
    change(next, { what: "delete", ids });
  };
  return {
    change,
    remove,
    confirm: (ids) => {
      if (itemId === undefined) return;
      if (!ids.length) hint(t("canvas.noSuggestions"));
      else if (act({ type: "confirm", itemId, annotationIds: ids, at: clock() }))
        announce(t("canvas.acceptedAll", { count: ids.length }));
    },
    rejectAll: () => {
      const free = image.open.filter((id) => !locks.has(id));
      if (free.length) remove(free);
      else hint(t("canvas.noSuggestions"));
    },
    say: (name, value) => {
      if (itemId === undefined) return;
      const about = new Set(alike.map((one) => one.annotation_id));
      const annotations = everywhere.map((one) =>
        about.has(one.annotation_id) ? saying(one, name, value) : one,
      );
      act({ type: "annotate", itemId, annotations, at: clock() });
    },
    wereDrawn: (ids) => ids.join() === drawn.current,
    hasJustClosed: () => clock() - closedAt.current < ENTER_AFTER_CLICK_MS,
    closedByKey: () => (closedAt.current = 0),
  };
}
