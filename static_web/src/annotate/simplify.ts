/** Fewer points for nearly the same outline (Ramer-Douglas-Peucker). */
import {
  distance,
  nearestOn,
  signedArea,
  type Point,
  type Polygon,
  type Ring,
  type Size,
} from "./geometry";

/** The line without points that lie within `tolerance` pixels of the image of what is left. */
export function simplifiedLine(line: Ring, tolerance: number, size: Size): Ring {
  const keep = new Uint8Array(line.length);
  const spans: [number, number][] = [[0, line.length - 1]];
  for (let span = spans.pop(); span; span = spans.pop()) {
    const [from, to] = span;
    keep[from] = 1;
    keep[to] = 1;
    const [a, b] = [line[from], line[to]];
    if (!a || !b || to - from < 2) continue;
    const { index, away } = farthest(line, from, to, a, b, size);
    if (away > tolerance) spans.push([from, index], [index, to]);
  }
  return line.filter((_, index) => keep[index]);
}

function farthest(
  line: Ring,
  from: number,
  to: number,
  a: Point,
  b: Point,
  size: Size,
): { index: number; away: number } {
  let index = from;
  let away = -1;
  for (let at = from + 1; at < to; at++) {
    const point = line[at];
    if (!point) continue;
    const here = distance(point, nearestOn(point, a, b, size), size);
    if (here > away) {
      away = here;
      index = at;
    }
  }
  return { index, away };
}

/** Every ring by itself; one that would lose its area stays as it is. */
export function simplified(polygon: Polygon, tolerance: number, size: Size): Polygon {
  const ring = (points: Ring): Ring => {
    const first = points[0];
    if (!first || points.length <= 4) return points;
    const fewer = simplifiedLine([...points, first], tolerance, size).slice(0, -1);
    return fewer.length >= 3 && signedArea(fewer) !== 0 ? fewer : points;
  };
  return {
    kind: "polygon",
    parts: polygon.parts.map((part) => ({ outer: ring(part.outer), holes: part.holes.map(ring) })),
  };
}

export function pointCount(polygon: Polygon): number {
  return polygon.parts.reduce(
    (sum, part) => part.holes.reduce((more, hole) => more + hole.length, sum + part.outer.length),
    0,
  );
}
