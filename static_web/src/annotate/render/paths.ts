/** Shapes as lines on the stage, for a canvas and for SVG. */
import { ringsOf, type Box, type Point, type Ring, type Shape } from "../geometry";
import { toScreen, type Viewport } from "../viewport";

/** What both a canvas and the writer of SVG paths can do. */
export interface Pen {
  moveTo(x: number, y: number): void;
  lineTo(x: number, y: number): void;
  closePath(): void;
}

/** Points nearer than this to the last one would not be seen, in CSS pixels. */
const DETAIL_PX = 0.75;

/** Draws a shape's outline and holes, to be filled by the even-odd rule. */
export function trace(pen: Pen, shape: Shape, view: Viewport): void {
  const project = projection(view);
  for (const points of shape.kind === "box" ? [cornersOf(shape)] : ringsOf(shape))
    ring(pen, points, project);
}

function cornersOf({ x0, y0, x1, y1 }: Box): Ring {
  return [
    [x0, y0],
    [x1, y0],
    [x1, y1],
    [x0, y1],
  ];
}

/** The map from fractions to the stage as six numbers: x = a*fx + c*fy + e, y = b*fx + d*fy + f. */
type Projection = readonly [number, number, number, number, number, number];

function projection(view: Viewport): Projection {
  const [e, f] = toScreen(view, [0, 0]);
  const [ax, ay] = toScreen(view, [1, 0]);
  const [cx, cy] = toScreen(view, [0, 1]);
  return [ax - e, ay - f, cx - e, cy - f, e, f];
}

function ring(pen: Pen, points: Ring, [a, b, c, d, e, f]: Projection): void {
  let lastX = NaN;
  let lastY = NaN;
  for (const [fx, fy] of points) {
    const x = a * fx + c * fy + e;
    const y = b * fx + d * fy + f;
    if (Number.isNaN(lastX)) pen.moveTo(x, y);
    else if (Math.abs(x - lastX) + Math.abs(y - lastY) < DETAIL_PX) continue;
    else pen.lineTo(x, y);
    lastX = x;
    lastY = y;
  }
  pen.closePath();
}

/** An SVG path of these shapes. */
export function svgPath(shapes: Iterable<Shape>, view: Viewport): string {
  const out: string[] = [];
  const pen: Pen = {
    moveTo: (x, y) => out.push(`M${short(x)} ${short(y)}`),
    lineTo: (x, y) => out.push(`L${short(x)} ${short(y)}`),
    closePath: () => out.push("Z"),
  };
  for (const shape of shapes) trace(pen, shape, view);
  return out.join("");
}

/** A line through points of the image. */
export function svgLine(points: readonly Point[], view: Viewport): string {
  return points
    .map(([fx, fy], index) => {
      const [x, y] = toScreen(view, [fx, fy]);
      return `${index ? "L" : "M"}${short(x)} ${short(y)}`;
    })
    .join("");
}

/** Dots: lines of no length, which the ends of the stroke make visible. */
export function svgDots(points: readonly Point[], view: Viewport): string {
  return points
    .map(([fx, fy]) => {
      const [x, y] = toScreen(view, [fx, fy]);
      return `M${short(x)} ${short(y)}h.01`;
    })
    .join("");
}

/** Where to show the points of a shape for gripping; so dense that they would touch, only some. */
export function handlesOf(shape: Shape, view: Viewport): Point[] {
  if (shape.kind === "box") {
    const { x0, y0, x1, y1 } = shape;
    const [mx, my] = [(x0 + x1) / 2, (y0 + y1) / 2];
    const small = isSmall(shape, view);
    const corners = cornersOf(shape);
    return small ? corners : [...corners, [mx, y0], [x1, my], [mx, y1], [x0, my]];
  }
  const { width, height } = view.stage;
  return ringsOf(shape).flatMap((points) => {
    let last: Point | null = null;
    return points.filter((point) => {
      const [x, y] = toScreen(view, point);
      const out = HANDLE_MARGIN_PX;
      if (x < -out || y < -out || x > width + out || y > height + out) return false;
      if (last && Math.hypot(x - last[0], y - last[1]) < HANDLE_GAP_PX) return false;
      last = [x, y];
      return true;
    });
  });
}

/** Handles are made so far beyond the stage, so that the view can be moved without making new ones. */
export const HANDLE_MARGIN_PX = 200;
const HANDLE_GAP_PX = 9;
const SMALL_BOX_PX = 40;

function isSmall(box: Box, view: Viewport): boolean {
  const width = (box.x1 - box.x0) * view.image.width * view.scale;
  const height = (box.y1 - box.y0) * view.image.height * view.scale;
  return Math.min(width, height) < SMALL_BOX_PX;
}

function short(value: number): string {
  return String(Math.round(value * 100) / 100);
}
