/** Where the outline of a polygon crosses itself. */
import type { Point, Polygon, Ring } from "./geometry";
import { ringsOf } from "./geometry";

interface Edge {
  a: Point;
  b: Point;
  ring: number;
  index: number;
  last: boolean;
  x0: number;
  x1: number;
  y0: number;
  y1: number;
}

/** Found so many, nobody looks for more. */
const ENOUGH = 100;

const known = new WeakMap<Polygon, readonly Point[]>();

/**
 * The places where edges cross, at most a hundred. Edges are swept from left to right: those of an
 * ordinary outline have few neighbours, so that 5,000 points take a few milliseconds.
 */
export function crossingsOf(polygon: Polygon): readonly Point[] {
  let found = known.get(polygon);
  if (!found) {
    found = sweep(ringsOf(polygon).flatMap((ring, index) => edgesOf(ring, index, true)));
    known.set(polygon, found);
  }
  return found;
}

/** The same of a line that is not closed yet. */
export function crossingsOfLine(line: Ring): readonly Point[] {
  return sweep(edgesOf(line, 0, false));
}

function edgesOf(points: Ring, ring: number, closed: boolean): Edge[] {
  const count = closed ? points.length : points.length - 1;
  return points.slice(0, Math.max(count, 0)).flatMap((a, index) => {
    const b = points[(index + 1) % points.length] ?? a;
    return {
      a,
      b,
      ring,
      index,
      last: closed && index === count - 1,
      x0: Math.min(a[0], b[0]),
      x1: Math.max(a[0], b[0]),
      y0: Math.min(a[1], b[1]),
      y1: Math.max(a[1], b[1]),
    };
  });
}

function sweep(edges: Edge[]): Point[] {
  edges.sort((one, other) => one.x0 - other.x0);
  const found: Point[] = [];
  let open: Edge[] = [];
  for (const edge of edges) {
    open = open.filter((other) => other.x1 >= edge.x0);
    for (const other of open) {
      if (other.y1 < edge.y0 || other.y0 > edge.y1 || areNeighbours(edge, other)) continue;
      const place = crossing(edge, other);
      if (place) found.push(place);
      if (found.length >= ENOUGH) return found;
    }
    open.push(edge);
  }
  return found;
}

function areNeighbours(one: Edge, other: Edge): boolean {
  if (one.ring !== other.ring) return false;
  const apart = Math.abs(one.index - other.index);
  return apart <= 1 || (one.last && other.index === 0) || (other.last && one.index === 0);
}

/** Where two edges cross; not where one only touches the other. */
function crossing({ a, b }: Edge, { a: c, b: d }: Edge): Point | null {
  const side = (p: Point, q: Point, r: Point): number =>
    (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]);
  const [c1, d1] = [side(a, b, c), side(a, b, d)];
  const [a1, b1] = [side(c, d, a), side(c, d, b)];
  if (c1 * d1 >= 0 || a1 * b1 >= 0) return null;
  const along = a1 / (a1 - b1);
  return [a[0] + along * (b[0] - a[0]), a[1] + along * (b[1] - a[1])];
}
