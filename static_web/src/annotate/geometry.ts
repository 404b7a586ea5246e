/**
 * Boxes and polygons in fractions of the upright image (0..1, origin top-left), as they are stored.
 * Where a length matters (a pixel of the image, what is nearest) the image's size comes along: the
 * image's own, never that of the rendition on the screen. Shapes are never changed in place.
 */
import type { Annotation } from "@/api/types";

export type Geometry = Annotation["geometry"];
export type Box = Extract<Geometry, { kind: "box" }>;
export type Polygon = Extract<Geometry, { kind: "polygon" }>;
export type Shape = Box | Polygon;
export type Part = Polygon["parts"][number];
/** A closed line; the last point is joined to the first. */
export type Ring = Part["outer"];
export type Point = Ring[number];

/** In pixels. */
export interface Size {
  width: number;
  height: number;
}

export interface Bounds {
  x0: number;
  y0: number;
  x1: number;
  y1: number;
}

/** One point of a polygon. Ring 0 is the outline of the part, the others are its holes. */
export interface PointRef {
  part: number;
  ring: number;
  index: number;
}

/** A shape smaller than this is a slip of the hand: one pixel of the image. */
const MIN_SIDE_PX = 1;
const MIN_AREA_PX = 1;

export function shapeOf(annotation: Annotation | undefined): Shape | null {
  return annotation && annotation.geometry.kind !== "tag" ? annotation.geometry : null;
}

export function ringsOf(polygon: Polygon): Ring[] {
  return polygon.parts.flatMap((part) => [part.outer, ...part.holes]);
}

/** By the shoelace formula, in shares of the image; positive when the ring goes clockwise on the screen. */
export function signedArea(ring: Ring): number {
  let doubled = 0;
  let before = ring.at(-1) ?? [0, 0];
  for (const point of ring) {
    doubled += before[0] * point[1] - point[0] * before[1];
    before = point;
  }
  return doubled / 2;
}

// Shapes are immutable, so what is found out about one holds for as long as it lives.
const bounds = new WeakMap<Shape, Bounds>();
const areas = new WeakMap<Shape, number>();

/** In shares of the image; holes count as not there. */
export function areaOf(shape: Shape): number {
  let area = areas.get(shape);
  if (area === undefined) {
    area =
      shape.kind === "box"
        ? (shape.x1 - shape.x0) * (shape.y1 - shape.y0)
        : shape.parts.reduce(
            (sum, part) =>
              part.holes.reduce(
                (rest, hole) => rest - Math.abs(signedArea(hole)),
                sum + Math.abs(signedArea(part.outer)),
              ),
            0,
          );
    areas.set(shape, area);
  }
  return area;
}

export function boundsOf(shape: Shape): Bounds {
  let found = bounds.get(shape);
  if (!found) {
    found = shape.kind === "box" ? shape : around(shape.parts.flatMap((part) => part.outer));
    bounds.set(shape, found);
  }
  return found;
}

/** The smallest bounds that hold all of these; null for none. */
export function boundsOfAll(shapes: readonly Shape[]): Bounds | null {
  const all = shapes.map(boundsOf);
  return all.length
    ? around(all.flatMap((b) => [[b.x0, b.y0] as Point, [b.x1, b.y1] as Point]))
    : null;
}

export function around(points: readonly Point[]): Bounds {
  let x0 = Infinity;
  let y0 = Infinity;
  let x1 = -Infinity;
  let y1 = -Infinity;
  for (const [x, y] of points) {
    if (x < x0) x0 = x;
    if (x > x1) x1 = x;
    if (y < y0) y0 = y;
    if (y > y1) y1 = y;
  }
  return { x0, y0, x1, y1 };
}

export function overlap(a: Bounds, b: Bounds): boolean {
  return a.x0 <= b.x1 && b.x0 <= a.x1 && a.y0 <= b.y1 && b.y0 <= a.y1;
}

export function within(inner: Bounds, outer: Bounds): boolean {
  return (
    inner.x0 >= outer.x0 && inner.x1 <= outer.x1 && inner.y0 >= outer.y0 && inner.y1 <= outer.y1
  );
}

export function boxOf({ x0, y0, x1, y1 }: Bounds): Box {
  return { kind: "box", x0, y0, x1, y1 };
}

/** The polygon that covers what a box does. */
export function cornersOf({ x0, y0, x1, y1 }: Bounds): Polygon {
  return polygonOf([
    [x0, y0],
    [x1, y0],
    [x1, y1],
    [x0, y1],
  ]);
}

export function polygonOf(outer: Ring): Polygon {
  return { kind: "polygon", parts: [{ outer, holes: [] }] };
}

/** By the even-odd rule, so that a hole is outside. */
export function contains(shape: Shape, [x, y]: Point): boolean {
  if (shape.kind === "box") return x >= shape.x0 && x <= shape.x1 && y >= shape.y0 && y <= shape.y1;
  const hull = boundsOf(shape);
  if (x < hull.x0 || x > hull.x1 || y < hull.y0 || y > hull.y1) return false;
  let inside = false;
  for (const ring of ringsOf(shape)) {
    let [px, py] = ring.at(-1) ?? [0, 0];
    for (const [qx, qy] of ring) {
      if (py > y !== qy > y && x < ((qx - px) * (y - py)) / (qy - py) + px) inside = !inside;
      px = qx;
      py = qy;
    }
  }
  return inside;
}

/** In pixels of the image. */
export function distance(a: Point, b: Point, size: Size): number {
  return Math.hypot((a[0] - b[0]) * size.width, (a[1] - b[1]) * size.height);
}

/** The point of the line from a to b that is nearest. */
export function nearestOn(at: Point, a: Point, b: Point, size: Size): Point {
  const dx = (b[0] - a[0]) * size.width;
  const dy = (b[1] - a[1]) * size.height;
  const length = dx * dx + dy * dy;
  if (!length) return a;
  const along = ((at[0] - a[0]) * size.width * dx + (at[1] - a[1]) * size.height * dy) / length;
  const share = Math.min(1, Math.max(0, along));
  return [a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])];
}

export function clampPoint([x, y]: Point): Point {
  return [clamp(x), clamp(y)];
}

function clamp(value: number): number {
  return Math.min(1, Math.max(0, value));
}

/** As much of a move as keeps the bounds within the image: nothing that is moved changes its size. */
export function allowedMove(from: Bounds, [dx, dy]: Point): Point {
  return [
    Math.max(-from.x0, Math.min(1 - from.x1, dx)),
    Math.max(-from.y0, Math.min(1 - from.y1, dy)),
  ];
}

/** Moved, for a move that is allowed. */
export function moved<S extends Shape>(shape: S, by: Point): S;
export function moved(shape: Shape, [dx, dy]: Point): Shape {
  // Clamped once more: a sum may miss the border by the last bit.
  const move = ([x, y]: Point): Point => [clamp(x + dx), clamp(y + dy)];
  if (shape.kind === "polygon") return mapped(shape, move);
  const [x0, y0] = move([shape.x0, shape.y0]);
  const [x1, y1] = move([shape.x1, shape.y1]);
  return { kind: "box", x0, y0, x1, y1 };
}

function mapped(polygon: Polygon, change: (point: Point) => Point): Polygon {
  return {
    kind: "polygon",
    parts: polygon.parts.map((part) => ({
      outer: part.outer.map(change),
      holes: part.holes.map((hole) => hole.map(change)),
    })),
  };
}

/** The box between two corners; within the image, and never without an area. */
export function boxBetween(a: Point, b: Point, size: Size): Box {
  const [x0, x1] = span(a[0], b[0], MIN_SIDE_PX / size.width);
  const [y0, y1] = span(a[1], b[1], MIN_SIDE_PX / size.height);
  return { kind: "box", x0, y0, x1, y1 };
}

/** From one number to another, in order, within the image, at least so long. */
function span(a: number, b: number, least: number): [number, number] {
  const from = clamp(Math.min(a, b));
  const to = clamp(Math.max(a, b));
  if (to - from >= least) return [from, to];
  return from + least <= 1 ? [from, from + least] : [Math.max(0, 1 - least), 1];
}

/** A box of this size in pixels of the image about a point, pushed into the image at its borders. */
export function boxAbout(at: Point, side: Size, size: Size): Box {
  const width = Math.min(1, side.width / size.width);
  const height = Math.min(1, side.height / size.height);
  const x0 = Math.max(0, Math.min(1 - width, at[0] - width / 2));
  const y0 = Math.max(0, Math.min(1 - height, at[1] - height / 2));
  return boxBetween([x0, y0], [x0 + width, y0 + height], size);
}

/** Whether it may be kept: finite, within the image, and with an area that can be seen. */
export function isSound(shape: Shape, size: Size): boolean {
  const { x0, y0, x1, y1 } = boundsOf(shape);
  const pixels = size.width * size.height;
  // A little leeway: sides of exactly one pixel come back from fractions a little smaller.
  const least = 0.99;
  if (!(x0 >= 0 && y0 >= 0 && x1 <= 1 && y1 <= 1)) return false;
  if (shape.kind === "box")
    return (
      (x1 - x0) * size.width >= MIN_SIDE_PX * least &&
      (y1 - y0) * size.height >= MIN_SIDE_PX * least
    );
  return (
    shape.parts.length > 0 &&
    shape.parts.every((part) => {
      const hull = around(part.outer);
      return (
        (hull.x1 - hull.x0) * size.width >= MIN_SIDE_PX * least &&
        (hull.y1 - hull.y0) * size.height >= MIN_SIDE_PX * least &&
        Math.abs(signedArea(part.outer)) * pixels >= MIN_AREA_PX * least &&
        part.holes.every((hole) => signedArea(hole) !== 0)
      );
    })
  );
}

export function pointAt(polygon: Polygon, { part, ring, index }: PointRef): Point | undefined {
  return ringAt(polygon, part, ring)?.[index];
}

export function ringAt(polygon: Polygon, part: number, ring: number): Ring | undefined {
  const there = polygon.parts[part];
  return ring === 0 ? there?.outer : there?.holes[ring - 1];
}

export function withPoint(polygon: Polygon, at: PointRef, point: Point): Polygon {
  return withRing(polygon, at, (ring) => ring.with(at.index, point));
}

/** With a new point before the one at this place. */
export function withNewPoint(polygon: Polygon, at: PointRef, point: Point): Polygon {
  return withRing(polygon, at, (ring) => ring.toSpliced(at.index, 0, point));
}

/** A ring that would be left with two points goes; null when none is left. */
export function withoutPoint(polygon: Polygon, at: PointRef): Polygon | null {
  if ((ringAt(polygon, at.part, at.ring)?.length ?? 0) > 3)
    return withRing(polygon, at, (ring) => ring.toSpliced(at.index, 1));
  const parts = polygon.parts.flatMap((part, index) =>
    index !== at.part
      ? [part]
      : at.ring === 0
        ? []
        : [{ ...part, holes: part.holes.toSpliced(at.ring - 1, 1) }],
  );
  return parts.length ? { kind: "polygon", parts } : null;
}

function withRing(polygon: Polygon, at: PointRef, change: (ring: Ring) => Ring): Polygon {
  return {
    kind: "polygon",
    parts: polygon.parts.map((part, index) =>
      index !== at.part
        ? part
        : at.ring === 0
          ? { ...part, outer: change(part.outer) }
          : {
              ...part,
              holes: part.holes.map((hole, hole_) => (hole_ === at.ring - 1 ? change(hole) : hole)),
            },
    ),
  };
}
