/** What lies under a point of the image. How near counts comes from outside, in pixels of the image. */
import type { Annotation } from "@/api/types";

import {
  areaOf,
  boundsOf,
  contains,
  distance,
  nearestOn,
  ringsOf,
  shapeOf,
  type Bounds,
  type Box,
  type Point,
  type PointRef,
  type Polygon,
  type Shape,
  type Size,
} from "./geometry";

/** The ids of all shapes at a point, the smallest first: it is the one that cannot be reached elsewhere. */
export function shapesAt(
  annotations: readonly Annotation[],
  at: Point,
  reach: number,
  size: Size,
): string[] {
  const found: { id: string; area: number }[] = [];
  for (const annotation of annotations) {
    const shape = shapeOf(annotation);
    if (shape && isAt(shape, at, reach, size))
      found.push({ id: annotation.annotation_id, area: areaOf(shape) });
  }
  return found.sort((a, b) => a.area - b.area).map((one) => one.id);
}

function isAt(shape: Shape, at: Point, reach: number, size: Size): boolean {
  if (!isNear(boundsOf(shape), at, reach, size)) return false;
  if (contains(shape, at)) return true;
  return shape.kind === "box" || edgeAt(shape, at, reach, size) !== null;
}

function isNear(bounds: Bounds, [x, y]: Point, reach: number, size: Size): boolean {
  const rx = reach / size.width;
  const ry = reach / size.height;
  return x >= bounds.x0 - rx && x <= bounds.x1 + rx && y >= bounds.y0 - ry && y <= bounds.y1 + ry;
}

/** A side of a box: -1 left or top, 1 right or bottom; both for a corner. */
export interface Side {
  x: -1 | 0 | 1;
  y: -1 | 0 | 1;
}

/** The corner at a point, else the edge; with `handles` only the middle of an edge counts. */
export function sideAt(
  box: Box,
  at: Point,
  reach: number,
  size: Size,
  handles = false,
): Side | null {
  if (!isNear(box, at, reach, size)) return null;
  const near = (value: number, low: number, high: number, pixels: number): -1 | 0 | 1 => {
    const toLow = Math.abs(value - low) * pixels;
    const toHigh = Math.abs(value - high) * pixels;
    if (Math.min(toLow, toHigh) > reach) return 0;
    return toHigh <= toLow ? 1 : -1;
  };
  const x = near(at[0], box.x0, box.x1, size.width);
  const y = near(at[1], box.y0, box.y1, size.height);
  if (!x && !y) return null;
  if (handles && !(x && y)) {
    const middle: Point = [x ? at[0] : (box.x0 + box.x1) / 2, y ? at[1] : (box.y0 + box.y1) / 2];
    if (distance(at, middle, size) > reach) return null;
  }
  return { x, y };
}

/** The nearest point of a polygon within reach. */
export function vertexAt(polygon: Polygon, at: Point, reach: number, size: Size): PointRef | null {
  if (!isNear(boundsOf(polygon), at, reach, size)) return null;
  let best: PointRef | null = null;
  let least = reach;
  polygon.parts.forEach((one, part) => {
    [one.outer, ...one.holes].forEach((points, ring) => {
      points.forEach((point, index) => {
        const away = distance(point, at, size);
        if (away <= least) {
          least = away;
          best = { part, ring, index };
        }
      });
    });
  });
  return best;
}

/** The nearest place on an edge within reach, and where a point there belongs in its ring. */
export function edgeAt(
  polygon: Polygon,
  at: Point,
  reach: number,
  size: Size,
): { ref: PointRef; point: Point } | null {
  if (!isNear(boundsOf(polygon), at, reach, size)) return null;
  let best: { ref: PointRef; point: Point } | null = null;
  let least = reach;
  polygon.parts.forEach((one, part) => {
    [one.outer, ...one.holes].forEach((points, ring) => {
      let before = points.at(-1) ?? [0, 0];
      points.forEach((point, index) => {
        const place = nearestOn(at, before, point, size);
        const away = distance(place, at, size);
        if (away <= least) {
          least = away;
          best = { ref: { part, ring, index }, point: place };
        }
        before = point;
      });
    });
  });
  return best;
}

/** Whether a straight line from a to b goes through an edge. */
export function isCrossedBy(polygon: Polygon, a: Point, b: Point): boolean {
  return ringsOf(polygon).some((ring) => {
    let before = ring.at(-1) ?? [0, 0];
    return ring.some((point) => {
      const crossed =
        turn(a, b, before) !== turn(a, b, point) &&
        turn(before, point, a) !== turn(before, point, b);
      before = point;
      return crossed;
    });
  });
}

function turn(a: Point, b: Point, c: Point): boolean {
  return (b[0] - a[0]) * (c[1] - a[1]) > (b[1] - a[1]) * (c[0] - a[0]);
}
