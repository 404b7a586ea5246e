/**
 * Annotations that say the very same: one of them is one too many, and no eye can tell. The API has the same
 * rule (`labeling/annotations/twins.py`); `tests/cases/twins.json` tests both.
 */
import type { Annotation } from "@/api/types";

import { shapeOf, type Point, type Shape } from "./geometry";

const PLACES = 1e9;
/** Points that a ring is tried from, where it comes to its leftmost one several times. */
const STARTS = 8;

/** The annotations without boxes and polygons that lie on one before them of the same class; null: there are none. */
export function withoutTwins(annotations: readonly Annotation[]): Annotation[] | null {
  const seen = new Set<string>();
  const kept = annotations.filter((one) => {
    const shape = shapeOf(one);
    if (!shape) return true;
    const key = `${one.class_id}|${one.frame}|${outlineOf(shape)}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
  return kept.length < annotations.length ? kept : null;
}

function outlineOf(shape: Shape): string {
  if (shape.kind === "box")
    return textOf([
      [shape.x0, shape.y0],
      [shape.x1, shape.y1],
    ]);
  const parts = shape.parts.map(
    ({ outer, holes }) => `${ringOf(outer)}(${holes.map(ringOf).sort().join("|")})`,
  );
  return parts.sort().join("+");
}

/** A ring from its leftmost point on, in the direction that is smaller. */
function ringOf(points: readonly Point[]): string {
  const first = points.reduce((least, point) => (isLess(point, least) ? point : least));
  const found = [points, [...points].reverse()].flatMap((way) =>
    way
      .flatMap((point, at) => (isSame(point, first) ? [at] : []))
      .slice(0, STARTS)
      .map((at) => textOf([...way.slice(at), ...way.slice(0, at)])),
  );
  return found.reduce((least, one) => (one < least ? one : least));
}

const near = (value: number): number => Math.round(value * PLACES);
const isSame = ([x, y]: Point, [a, b]: Point): boolean =>
  near(x) === near(a) && near(y) === near(b);
const isLess = ([x, y]: Point, [a, b]: Point): boolean =>
  near(x) < near(a) || (near(x) === near(a) && near(y) < near(b));

function textOf(points: readonly Point[]): string {
  return points.map(([x, y]) => `${near(x)},${near(y)}`).join(" ");
}
