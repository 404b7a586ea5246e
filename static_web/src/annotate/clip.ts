/**
 * Boolean operations on polygons. Clipper2 reckons in whole numbers, which is why it never fails on
 * edges that touch; points that an operation leaves in place keep their exact coordinates.
 */
import {
  Clipper64,
  ClipType,
  FillRule,
  PathType,
  PolyTree64,
  type Path64,
  type PolyPath64,
} from "clipper2-ts";

import {
  boundsOf,
  ringsOf,
  signedArea,
  type Part,
  type Point,
  type Polygon,
  type Ring,
} from "./geometry";
import { isCrossedBy } from "./hit";

/** Steps along a side of the image: 1/16,000 of a pixel at 4,000, and products stay below 2^53. */
const GRID = 2 ** 26;

/** Splinters between almost equal edges, in shares of the image: 1/60 of a pixel at 4000 x 4000. */
const SPLINTER = 1e-9;

/** What is covered by any of them; null when that is nothing. */
export function united(polygons: readonly Polygon[]): Polygon | null {
  return clip(ClipType.Union, polygons, []);
}

/** What the others do not cover; null when that is nothing. */
export function subtracted(from: Polygon, others: readonly Polygon[]): Polygon | null {
  return clip(ClipType.Difference, [from], others);
}

export function intersected(a: Polygon, b: Polygon): Polygon | null {
  return clip(ClipType.Intersection, [a], [b]);
}

/** Without lines that cross: what lies inside by the even-odd rule, as it is shown and filled. */
export function untangled(polygon: Polygon): Polygon | null {
  return clip(ClipType.Union, [polygon], []);
}

/**
 * The two sides of a line drawn through a polygon; null when the line goes through none of its
 * parts. Parts that the line misses go to the side that they lie on.
 */
export function split(polygon: Polygon, a: Point, b: Point): [Polygon, Polygon] | null {
  const dx = b[0] - a[0];
  const dy = b[1] - a[1];
  const length = Math.hypot(dx, dy);
  if (!length) return null;
  const isLeft = ([x, y]: Point): boolean => dx * (y - a[1]) - dy * (x - a[0]) < 0;
  const far = 4;
  const [ux, uy] = [(dx / length) * far, (dy / length) * far];
  const from: Point = [a[0] - ux, a[1] - uy];
  const to: Point = [b[0] + ux, b[1] + uy];
  const left = half(from, to, [uy, -ux]);
  const sides: [Part[], Part[]] = [[], []];
  let cut = false;
  for (const part of polygon.parts) {
    const alone: Polygon = { kind: "polygon", parts: [part] };
    const pieces = isCrossedBy(alone, a, b)
      ? [intersected(alone, left), subtracted(alone, [left])]
      : [];
    if (pieces[0] && pieces[1]) {
      cut = true;
      sides[0].push(...pieces[0].parts);
      sides[1].push(...pieces[1].parts);
    } else {
      const { x0, y0, x1, y1 } = boundsOf(alone);
      sides[isLeft([(x0 + x1) / 2, (y0 + y1) / 2]) ? 0 : 1].push(part);
    }
  }
  return cut
    ? [
        { kind: "polygon", parts: sides[0] },
        { kind: "polygon", parts: sides[1] },
      ]
    : null;
}

function half(from: Point, to: Point, away: Point): Polygon {
  const outer: Ring = [
    from,
    to,
    [to[0] + away[0], to[1] + away[1]],
    [from[0] + away[0], from[1] + away[1]],
  ];
  return { kind: "polygon", parts: [{ outer, holes: [] }] };
}

function clip(
  type: ClipType,
  subjects: readonly Polygon[],
  clips: readonly Polygon[],
): Polygon | null {
  const clipper = new Clipper64();
  const exact = new Map<string, Point>();
  clipper.addPaths(covered(subjects, exact), PathType.Subject, false);
  if (clips.length) clipper.addPaths(covered(clips, exact), PathType.Clip, false);
  const tree = new PolyTree64();
  clipper.execute(type, FillRule.EvenOdd, tree);
  const parts: Part[] = [];
  collect(tree, exact, parts);
  return parts.length ? { kind: "polygon", parts } : null;
}

/** What these cover, for the even-odd rule; under it, two polygons that overlap would cancel out. */
function covered(polygons: readonly Polygon[], exact: Map<string, Point>): Path64[] {
  const each = polygons.map((polygon) => ringsOf(polygon).map((ring) => toPath(ring, exact)));
  return each.length === 1
    ? each.flat()
    : union(
        each.flatMap((paths) => union(paths, FillRule.EvenOdd)),
        FillRule.NonZero,
      );
}

function union(paths: Path64[], rule: FillRule): Path64[] {
  const clipper = new Clipper64();
  clipper.addPaths(paths, PathType.Subject, false);
  const result: Path64[] = [];
  clipper.execute(ClipType.Union, rule, result);
  return result;
}

function toPath(ring: Ring, exact: Map<string, Point>): Path64 {
  return ring.map((point) => {
    const x = Math.round(point[0] * GRID);
    const y = Math.round(point[1] * GRID);
    exact.set(`${x},${y}`, point);
    return { x, y };
  });
}

function collect(node: PolyPath64, exact: Map<string, Point>, parts: Part[]): void {
  for (let index = 0; index < node.count; index++) {
    const outer = node.child(index);
    const ring = toRing(outer.poly, exact);
    const holes: Ring[] = [];
    for (let inner = 0; inner < outer.count; inner++) {
      const hole = outer.child(inner);
      holes.push(toRing(hole.poly, exact));
      collect(hole, exact, parts);
    }
    if (isWide(ring)) parts.push({ outer: ring, holes: holes.filter(isWide) });
  }
}

function toRing(path: Path64 | null, exact: Map<string, Point>): Ring {
  return (path ?? []).map(({ x, y }) => exact.get(`${x},${y}`) ?? [x / GRID, y / GRID]);
}

function isWide(ring: Ring): boolean {
  return ring.length >= 3 && Math.abs(signedArea(ring)) > SPLINTER;
}
