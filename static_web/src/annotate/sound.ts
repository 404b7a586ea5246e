/**
 * What an outline must be to be kept: its rings add up to what it covers. The API has the same rule
 * (`labeling/annotations/geometry.py`); `tests/cases/geometry.json` tests both.
 */
import type { Annotation } from "@/api/types";

import { untangled } from "./clip";
import { crossingsOf } from "./crossings";
import {
  areaOf,
  boundsOf,
  isSound,
  polygonOf,
  shapeOf,
  type Part,
  type Polygon,
  type Shape,
  type Size,
} from "./geometry";

/** Pixels by which areas may differ: below what a mask shows. */
const SLACK_PX = 0.5;

const known = new WeakMap<Polygon, number>();

/** Whether a shape is kept by the API as it is. */
export function isKept(shape: Shape, size: Size): boolean {
  return isSound(shape, size) && (shape.kind === "box" || addsUp(shape, size));
}

/** Whether no ring crosses itself or another, holes lie within their part, and parts apart. */
function addsUp(polygon: Polygon, size: Size): boolean {
  let off = known.get(polygon);
  if (off === undefined) {
    const isPlain =
      polygon.parts.length === 1 &&
      !polygon.parts[0]?.holes.length &&
      !crossingsOf(polygon).length &&
      !runsTwice(polygon);
    const covered = isPlain ? polygon : untangled(polygon);
    off = Math.abs(areaOf(polygon) - (covered ? areaOf(covered) : 0));
    known.set(polygon, off);
  }
  return off * size.width * size.height <= SLACK_PX;
}

/** Whether a point comes twice: edges that lie on each other do not cross. */
function runsTwice(polygon: Polygon): boolean {
  const points = polygon.parts.flatMap((part) => part.outer.map(([x, y]) => `${x},${y}`));
  return new Set(points).size < points.length;
}

/**
 * The annotations with every outline that does not add up as it is shown: parts and holes, without
 * splinters below a pixel. Null where there is nothing to mend.
 */
export function mended(annotations: readonly Annotation[], size: Size): Annotation[] | null {
  const all = annotations.map((one) => {
    const shape = shapeOf(one);
    if (shape?.kind !== "polygon" || addsUp(shape, size)) return one;
    const shown = untangled(shape);
    const parts = shown?.parts.filter((part) => isLarge(part, size)) ?? [];
    if (!parts.length) return one; // refused by the API, in words
    return { ...one, geometry: { kind: "polygon" as const, parts } };
  });
  return all.some((one, index) => one !== annotations[index]) ? all : null;
}

function isLarge(part: Part, size: Size): boolean {
  const alone = polygonOf(part.outer);
  const { x0, y0, x1, y1 } = boundsOf(alone);
  return x1 > x0 && y1 > y0 && isSound(alone, size);
}
