/**
 * Changes to the list of annotations: what a finished gesture or a command makes of it. The list is
 * never changed in place; a refused change says why.
 */
import type { Annotation } from "@/api/types";

import { subtracted, united, untangled } from "./clip";
import { crossingsOf } from "./crossings";
import {
  allowedMove,
  areaOf,
  boundsOf,
  boundsOfAll,
  isSound,
  moved,
  shapeOf,
  type Geometry,
  type Point,
  type Polygon,
  type Shape,
  type Size,
} from "./geometry";
import { pointCount, simplified } from "./simplify";
import type { Effect, Refusal } from "./tools/tool";

/** What was done, for whoever keeps the history or says it aloud. */
export interface Change {
  what:
    | "draw"
    | "move"
    | "resize"
    | "points"
    | "nudge"
    | "add"
    | "cut"
    | "split"
    | "merge"
    | "subtract"
    | "simplify"
    | "untangle"
    | "classify"
    | "delete"
    | "paste"
    | "duplicate";
  /** The annotations that it was done to, or that came of it. */
  ids: readonly string[];
}

export interface Edit {
  annotations: readonly Annotation[];
  change: Change;
  /** What is selected afterwards. */
  selection: readonly string[];
}

export type Outcome = Edit | { refused: Refused };

export type Refused = Refusal | "nothingSelected" | "needsTwoPolygons" | "nothingToDo";

/** The surroundings of a change. */
export interface Context {
  annotations: readonly Annotation[];
  selection: readonly string[];
  locked: ReadonlySet<string>;
  size: Size;
  newId: () => string;
}

/** What is copied keeps its size in pixels, so that it can be pasted into another image. */
export interface Copied {
  from: Size;
  items: readonly { classId: string; frame: number; shape: Shape }[];
}

/** How far a copy lies beside the original, in pixels of the image. */
const BESIDE_PX = 12;

export function drawn(context: Context, shape: Shape, classId: string): Edit {
  const annotation = made(context, shape, classId, 0);
  return {
    annotations: [...context.annotations, annotation],
    change: { what: "draw", ids: [annotation.annotation_id] },
    selection: [annotation.annotation_id],
  };
}

/** A tool's finished gesture. */
export function replaced(
  context: Context,
  { what, shapes }: Omit<Extract<Effect, { type: "replace" }>, "type">,
): Edit {
  const ids: string[] = [];
  const annotations = context.annotations.flatMap((annotation) => {
    const geometries = shapes.get(annotation.annotation_id);
    if (!geometries) return [annotation];
    const next = geometries.map((geometry, index) =>
      index === 0
        ? { ...annotation, geometry }
        : { ...annotation, geometry, annotation_id: context.newId(), origin: null },
    );
    ids.push(...next.map((one) => one.annotation_id));
    return next;
  });
  return { annotations, change: { what, ids }, selection: ids };
}

export function deleted(context: Context, ids: readonly string[]): Outcome {
  return onFree(context, ids, (free) => ({
    annotations: context.annotations.filter((one) => !free.includes(one)),
    change: { what: "delete", ids: free.map((one) => one.annotation_id) },
    selection: context.selection.filter((id) => !free.some((one) => one.annotation_id === id)),
  }));
}

export function classified(context: Context, ids: readonly string[], classId: string): Outcome {
  return onFree(context, ids, (free) =>
    changedInPlace(context, "classify", free, (one) => ({ ...one, class_id: classId })),
  );
}

/** Moved by pixels of the image, together and not beyond its border. */
export function nudged(context: Context, ids: readonly string[], [dx, dy]: Point): Outcome {
  return onFree(context, ids, (free) => {
    const hull = boundsOfAll(free.flatMap((one) => shapeOf(one) ?? []));
    const wanted: Point = [dx / context.size.width, dy / context.size.height];
    const by = hull ? allowedMove(hull, wanted) : wanted;
    return changedInPlace(context, "nudge", free, (one) => {
      const shape = shapeOf(one);
      return shape ? { ...one, geometry: moved(shape, by) } : one;
    });
  });
}

export function copied(
  context: Pick<Context, "annotations" | "size">,
  ids: readonly string[],
): Copied {
  const items = context.annotations.flatMap((one) => {
    const shape = ids.includes(one.annotation_id) ? shapeOf(one) : null;
    return shape ? [{ classId: one.class_id, frame: one.frame, shape }] : [];
  });
  return { from: context.size, items };
}

/** At the same place; beside it where the same shape lies there already. */
export function pasted(context: Context, copy: Copied, what: "paste" | "duplicate"): Outcome {
  const shapes = copy.items.map(({ shape }) => resized(shape, copy.from, context.size));
  const hull = boundsOfAll(shapes);
  if (!hull) return { refused: "nothingSelected" };
  const taken = new Set(context.annotations.map((one) => JSON.stringify(one.geometry)));
  let placed = shapes;
  for (
    let step = 1;
    placed.some((shape) => taken.has(JSON.stringify(shape))) && step < 100;
    step++
  ) {
    const away = step * BESIDE_PX;
    const by = allowedMove(hull, [away / context.size.width, away / context.size.height]);
    // In the corner there is no way on but back.
    const back = allowedMove(hull, [-away / context.size.width, -away / context.size.height]);
    placed = shapes.map((shape) => moved(shape, by[0] || by[1] ? by : back));
  }
  const copies = copy.items.flatMap(({ classId, frame }, index) => {
    const shape = placed[index];
    return shape ? [made(context, shape, classId, frame)] : [];
  });
  const ids = copies.map((one) => one.annotation_id);
  return {
    annotations: [...context.annotations, ...copies],
    change: { what, ids },
    selection: ids,
  };
}

/** All selected polygons in one; the first selected keeps its identity and its class. */
export function merged(context: Context): Outcome {
  return onPolygons(context, 2, ([first, ...others]) => {
    const all = united([first.polygon, ...others.map((one) => one.polygon)]);
    if (!all) return { refused: "nothingLeft" };
    const gone = new Set(others.map((one) => one.id));
    return {
      annotations: context.annotations
        .filter((one) => !gone.has(one.annotation_id))
        .map((one) => (one.annotation_id === first.id ? { ...one, geometry: all } : one)),
      change: { what: "merge", ids: [first.id] },
      selection: [first.id],
    };
  });
}

/** The first selected polygon keeps what the others do not cover; they stay as they are. */
export function withOthersSubtracted(context: Context): Outcome {
  return onPolygons(context, 2, ([first, ...others]) => {
    const rest = subtracted(
      first.polygon,
      others.map((one) => one.polygon),
    );
    if (!rest || !isSound(rest, context.size)) return { refused: "nothingLeft" };
    return reshaped(context, "subtract", new Map([[first.id, rest]]));
  });
}

/** Fewer points, each within a pixel of the image of the outline as it was. */
export function withFewerPoints(context: Context): Outcome {
  return onPolygons(context, 1, (all) => {
    const shapes = all.flatMap(({ id, polygon }) => {
      const fewer = simplified(polygon, 1, context.size);
      const isLess = pointCount(fewer) < pointCount(polygon) && isSound(fewer, context.size);
      return isLess ? [[id, fewer] as const] : [];
    });
    if (!shapes.length) return { refused: "nothingToDo" };
    return reshaped(context, "simplify", new Map(shapes));
  });
}

/** Outlines that cross themselves become what they are shown as: parts and holes. */
export function withoutCrossings(context: Context): Outcome {
  return onPolygons(context, 1, (all) => {
    const shapes = all.flatMap(({ id, polygon }) => {
      const loose = crossingsOf(polygon).length ? untangled(polygon) : null;
      return loose ? [[id, loose] as const] : [];
    });
    if (!shapes.length) return { refused: "nothingToDo" };
    return reshaped(context, "untangle", new Map(shapes));
  });
}

/** Those whose outline crosses itself. */
export function tangled(annotations: readonly Annotation[]): string[] {
  return annotations.flatMap((one) => {
    const shape = shapeOf(one);
    return shape?.kind === "polygon" && crossingsOf(shape).length ? [one.annotation_id] : [];
  });
}

function made({ newId }: Context, shape: Shape, classId: string, frame: number): Annotation {
  return {
    annotation_id: newId(),
    class_id: classId,
    frame,
    geometry: shape,
    attributes: {},
    origin: null,
  };
}

function onFree(
  context: Context,
  ids: readonly string[],
  change: (free: Annotation[]) => Edit,
): Outcome {
  const wanted = new Set(ids);
  const all = context.annotations.filter((one) => wanted.has(one.annotation_id));
  if (!all.length) return { refused: "nothingSelected" };
  const free = all.filter((one) => !context.locked.has(one.annotation_id));
  return free.length ? change(free) : { refused: "locked" };
}

interface Chosen {
  id: string;
  polygon: Polygon;
}

function onPolygons(
  context: Context,
  least: 1 | 2,
  change: (chosen: [Chosen, ...Chosen[]]) => Outcome,
): Outcome {
  const chosen = context.selection.flatMap((id): Chosen[] => {
    const shape = shapeOf(context.annotations.find((one) => one.annotation_id === id));
    return shape?.kind === "polygon" ? [{ id, polygon: shape }] : [];
  });
  const [first, ...others] = chosen;
  if (!first || chosen.length < least)
    return { refused: least === 2 ? "needsTwoPolygons" : "nothingSelected" };
  if (chosen.some(({ id }) => context.locked.has(id))) return { refused: "locked" };
  return change([first, ...others]);
}

function reshaped(
  context: Context,
  what: Change["what"],
  shapes: ReadonlyMap<string, Geometry>,
): Edit {
  const changed = context.annotations.filter((one) => shapes.has(one.annotation_id));
  const edit = changedInPlace(context, what, changed, (one) => ({
    ...one,
    geometry: shapes.get(one.annotation_id) ?? one.geometry,
  }));
  return { ...edit, selection: context.selection };
}

function changedInPlace(
  context: Context,
  what: Change["what"],
  chosen: readonly Annotation[],
  change: (annotation: Annotation) => Annotation,
): Edit {
  const those = new Set(chosen);
  return {
    annotations: context.annotations.map((one) => (those.has(one) ? change(one) : one)),
    change: { what, ids: chosen.map((one) => one.annotation_id) },
    selection: context.selection,
  };
}

/** Of the same size in pixels in another image, as far as it has room. */
function resized(shape: Shape, from: Size, to: Size): Shape {
  if (from.width === to.width && from.height === to.height) return shape;
  const hull = boundsOf(shape);
  const wide = Math.min(from.width / to.width, 1 / (hull.x1 - hull.x0));
  const high = Math.min(from.height / to.height, 1 / (hull.y1 - hull.y0));
  const x0 = Math.min(hull.x0, 1 - (hull.x1 - hull.x0) * wide);
  const y0 = Math.min(hull.y0, 1 - (hull.y1 - hull.y0) * high);
  const at = ([x, y]: Point): Point => [
    Math.min(1, Math.max(0, x0 + (x - hull.x0) * wide)),
    Math.min(1, Math.max(0, y0 + (y - hull.y0) * high)),
  ];
  if (shape.kind === "polygon")
    return {
      kind: "polygon",
      parts: shape.parts.map((part) => ({
        outer: part.outer.map(at),
        holes: part.holes.map((hole) => hole.map(at)),
      })),
    };
  const [left, top] = at([shape.x0, shape.y0]);
  const [right, bottom] = at([shape.x1, shape.y1]);
  return { kind: "box", x0: left, y0: top, x1: right, y1: bottom };
}

/**
 * The one after it; the first after the last. What was suggested comes first, the least sure before the rest, also once
 * it was changed: then what was drawn, in the order of the list.
 */
export function cycled(
  annotations: readonly Annotation[],
  selection: readonly string[],
  by: 1 | -1,
  suggestions: ReadonlyMap<string, { confidence: number }> = new Map(),
): string | undefined {
  const sure = (id: string): number => suggestions.get(id)?.confidence ?? Infinity;
  const ids = annotations
    .flatMap((one) => (shapeOf(one) ? [one.annotation_id] : []))
    .sort((one, other) => (sure(one) === sure(other) ? 0 : sure(one) - sure(other)));
  const last = selection.at(-1);
  const at = last === undefined ? -1 : ids.indexOf(last);
  if (at < 0) return by === 1 ? ids[0] : ids.at(-1);
  return ids[(at + by + ids.length) % ids.length];
}

/** The size of the box drawn last, in pixels of the image; null where there is none. */
export function lastBoxSize(annotations: readonly Annotation[], size: Size): Size | null {
  const box = annotations.findLast((one) => one.geometry.kind === "box")?.geometry;
  return box?.kind === "box" && areaOf(box)
    ? { width: (box.x1 - box.x0) * size.width, height: (box.y1 - box.y0) * size.height }
    : null;
}
