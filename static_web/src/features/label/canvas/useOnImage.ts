/** What is on the image that is drawn on: its shapes, and which of them are selected, locked, suggested. */
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";

import type { Suggestion as Look } from "@/annotate/render/look";
import type { Annotation, LabelClass, TaskItem } from "@/api/types";
import { attributesOf } from "@/attributes";
import { formatPercent } from "@/format";

import { shapesOf, type Work } from "../session/session";
import { suggestionsOf } from "./drawing";

export interface OnImage {
  item: TaskItem | undefined;
  itemId: string | undefined;
  work: Work | undefined;
  /** The frame that is shown. */
  frame: number;
  /** On all frames. */
  everywhere: readonly Annotation[];
  /** On the frame that is shown. */
  shapes: readonly Annotation[];
  suggestions: ReadonlyMap<string, Look>;
  /** Suggestions that nobody has taken or changed: on all frames, and on the one that is shown. */
  openEverywhere: readonly string[];
  open: readonly string[];
  selection: readonly string[];
  /** What is selected, where it is all of one class: what is said of it is said of all. */
  alike: readonly Annotation[];
  /** What is asked of those. */
  asked: LabelClass["attributes"];
  locks: ReadonlySet<string>;
  select: (ids: readonly string[]) => void;
  /** Locks what is selected, else everything; or lets it go, where all of it is locked. How many it locked. */
  toggleLock: () => number;
  /** The first of some shapes, or how many there are, in words. */
  describe: (ids: readonly string[], among: readonly Annotation[]) => string;
}

/** Some annotations of an image; their ids mean nothing on another, where they may come again. */
export interface OfImage {
  itemId: string;
  ids: ReadonlySet<string>;
}

export const NONE: OfImage = { itemId: "", ids: new Set() };

export function useOnImage(
  item: TaskItem | undefined,
  work: Work | undefined,
  frame: number,
  classes: readonly LabelClass[],
): OnImage {
  const { t, i18n } = useTranslation();
  const itemId = item?.item_id;
  const [chosen, setChosen] = useState<{ itemId: string; ids: readonly string[] } | null>(null);
  const [lockedIn, setLockedIn] = useState<OfImage>(NONE);
  const everywhere = useMemo(() => (work ? shapesOf(work) : []), [work]);
  const shapes = useMemo(
    () => everywhere.filter((one) => one.frame === frame),
    [everywhere, frame],
  );
  const suggestions = useMemo(
    () => (item ? suggestionsOf(item, work, everywhere) : new Map<string, never>()),
    [item, work, everywhere],
  );
  const openEverywhere = useMemo(
    () => [...suggestions].filter(([, one]) => !one.touched).map(([id]) => id),
    [suggestions],
  );
  const here = useMemo(() => new Set(shapes.map((one) => one.annotation_id)), [shapes]);
  const open = useMemo(() => openEverywhere.filter((id) => here.has(id)), [openEverywhere, here]);
  const selection = useMemo(
    () => (chosen?.itemId === itemId ? (chosen?.ids.filter((id) => here.has(id)) ?? []) : []),
    [chosen, itemId, here],
  );
  const alike = useMemo(() => {
    const selected = shapes.filter((one) => selection.includes(one.annotation_id));
    return selected.every((one) => one.class_id === selected[0]?.class_id) ? selected : [];
  }, [shapes, selection]);
  const asked = useMemo(
    () => (alike[0] ? attributesOf(classes, alike[0].class_id) : []),
    [alike, classes],
  );
  const locks = lockedIn.itemId === itemId ? lockedIn.ids : NONE.ids;
  const toggleLock = (): number => {
    const about = selection.length ? selection : shapes.map((one) => one.annotation_id);
    const locked = about.every((id) => locks.has(id)) ? [] : about;
    const others = [...locks].filter((id) => !about.includes(id));
    if (itemId !== undefined) setLockedIn({ itemId, ids: new Set(others.concat(locked)) });
    return locked.length;
  };
  const describe = (ids: readonly string[], among: readonly Annotation[]): string => {
    const at = among.findIndex((one) => one.annotation_id === ids[0]);
    const shape = among[at];
    if (!shape) return "";
    if (ids.length > 1) return t("canvas.many", { count: ids.length });
    const values = {
      kind: shape.geometry.kind === "box" ? t("canvas.box") : t("canvas.polygon"),
      position: at + 1,
      count: among.length,
      name: classes.find((one) => one.class_id === shape.class_id)?.name ?? "",
    };
    const suggestion = suggestions.get(shape.annotation_id);
    if (!suggestion || suggestion.touched) return t("canvas.status", values);
    const percent = formatPercent(suggestion.confidence, i18n.language);
    return t("canvas.statusSuggested", { ...values, percent });
  };
  return {
    item,
    itemId,
    work,
    frame,
    everywhere,
    shapes,
    suggestions,
    openEverywhere,
    open,
    selection,
    alike,
    asked,
    locks,
    select: (ids) => itemId !== undefined && setChosen({ itemId, ids }),
    toggleLock,
    describe,
  };
}
