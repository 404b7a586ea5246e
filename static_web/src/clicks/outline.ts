/** From a mask to an outline, as the functions make one: the line between its samples, without specks. */
import { contours } from "d3-contour";

import {
  areaOf,
  polygonOf,
  signedArea,
  type Part,
  type Polygon,
  type Ring,
} from "@/annotate/geometry";
import { simplified } from "@/annotate/simplify";

/** Of the largest part; smaller ones are specks. */
const LEAST_PART = 0.1;
/** Of its part; smaller ones are noise. */
const LEAST_HOLE = 0.005;
/** In samples of the mask: by so much an outline may be off to have fewer points; less where the thing is small. */
const TOLERANCE = 1;
const OF_SIDE = 1 / 40;

/**
 * The area where a mask is above 0, its points in fractions of the image; null: nowhere.
 *
 * @param mask `width` times `height` values, row by row from the top; each is of the middle of its cell.
 */
export function outlineOf(mask: Float32Array, width: number, height: number): Polygon | null {
  const [found] = contours().size([width, height]).thresholds([0])(mask as unknown as number[]);
  const parts = (found?.coordinates ?? []).map(([outer, ...holes]) => ({
    outer: ringOf(outer, width, height),
    holes: holes.map((hole) => ringOf(hole, width, height)),
  }));
  const size = (part: Part): number => areaOf(polygonOf(part.outer));
  const largest = Math.max(0, ...parts.map(size));
  const kept = parts
    .filter((part) => size(part) > 0 && size(part) >= LEAST_PART * largest)
    .map((part) => ({
      outer: part.outer,
      holes: part.holes.filter((hole) => Math.abs(signedArea(hole)) >= LEAST_HOLE * size(part)),
    }));
  if (!kept.length) return null;
  const all = kept.flatMap((part) => part.outer);
  const span = (axis: 0 | 1, pixels: number): number => {
    const places = all.map((point) => point[axis]);
    return (Math.max(...places) - Math.min(...places)) * pixels;
  };
  const tolerance = Math.min(TOLERANCE, OF_SIDE * Math.max(span(0, width), span(1, height)));
  return simplified({ kind: "polygon", parts: kept }, tolerance, { width, height });
}

/** Without the last point, which is the first once more. */
function ringOf(points: readonly number[][] | undefined, width: number, height: number): Ring {
  return (points ?? [])
    .slice(0, -1)
    .map(([x = 0, y = 0]): [number, number] => [clamp(x / width), clamp(y / height)]);
}

function clamp(value: number): number {
  return Math.min(1, Math.max(0, value));
}
