/** Between the image and the screen: the only place with pixels of the screen. */
import type { Bounds, Point, Size } from "./geometry";

/** Quarter turns clockwise. */
export type Turn = 0 | 1 | 2 | 3;

/** What part of the image is seen, and how large. */
export interface Viewport {
  /** The stage, in CSS pixels. */
  stage: Size;
  /** The upright image, in its own pixels. */
  image: Size;
  /** CSS pixels for a pixel of the image. */
  scale: number;
  turn: Turn;
  /** Where the middle of the image lies on the stage, in CSS pixels. */
  x: number;
  y: number;
}

const MAX_SCALE = 64;
const MARGIN_PX = 16;
/** So much of the image stays in view, in CSS pixels, however far it is pushed. */
const KEPT_PX = 64;
/** How small an image may be shown, in shares of the scale at which it just fits. */
const SMALLEST = 0.25;

const ROTATIONS = [
  [1, 0],
  [0, 1],
  [-1, 0],
  [0, -1],
] as const;

/** The whole image, as large as it goes. */
export function fitted(stage: Size, image: Size, turn: Turn = 0): Viewport {
  return {
    stage,
    image,
    turn,
    scale: fittingScale(stage, image, turn),
    x: stage.width / 2,
    y: stage.height / 2,
  };
}

function fittingScale(stage: Size, image: Size, turn: Turn): number {
  const [width, height] = turn % 2 ? [image.height, image.width] : [image.width, image.height];
  return Math.max(
    1e-6,
    Math.min((stage.width - 2 * MARGIN_PX) / width, (stage.height - 2 * MARGIN_PX) / height),
  );
}

/** From a fraction of the image to CSS pixels of the stage. */
export function toScreen(view: Viewport, [fx, fy]: Point): Point {
  const [cos, sin] = ROTATIONS[view.turn];
  const u = (fx - 0.5) * view.image.width * view.scale;
  const v = (fy - 0.5) * view.image.height * view.scale;
  return [view.x + cos * u - sin * v, view.y + sin * u + cos * v];
}

/** From CSS pixels of the stage to a fraction of the image; outside it, beyond 0 and 1. */
export function toImage(view: Viewport, [sx, sy]: Point): Point {
  const [cos, sin] = ROTATIONS[view.turn];
  const u = cos * (sx - view.x) + sin * (sy - view.y);
  const v = cos * (sy - view.y) - sin * (sx - view.x);
  return [u / (view.image.width * view.scale) + 0.5, v / (view.image.height * view.scale) + 0.5];
}

/** From a move on the stage to one in the image. */
export function toImageMove(view: Viewport, by: Point): Point {
  const [x0, y0] = toImage(view, [0, 0]);
  const [x1, y1] = toImage(view, by);
  return [x1 - x0, y1 - y0];
}

export function panned(view: Viewport, [dx, dy]: Point): Viewport {
  return kept({ ...view, x: view.x + dx, y: view.y + dy });
}

/** Larger or smaller; what lies at this place of the stage stays there. */
export function zoomedAt(view: Viewport, [sx, sy]: Point, factor: number): Viewport {
  const smallest = Math.min(1, fittingScale(view.stage, view.image, view.turn) * SMALLEST);
  const scale = Math.min(MAX_SCALE, Math.max(smallest, view.scale * factor));
  const ratio = scale / view.scale;
  return kept({
    ...view,
    scale,
    x: sx + (view.x - sx) * ratio,
    y: sy + (view.y - sy) * ratio,
  });
}

/**
 * Whether somebody who looks at the stage sees what is there: its middle, and not as a speck, unless it is
 * one from as near as one can get.
 */
export function isInView(view: Viewport, { x0, y0, x1, y1 }: Bounds, leastPx: number): boolean {
  const [x, y] = toScreen(view, [(x0 + x1) / 2, (y0 + y1) / 2]);
  const longer = Math.max((x1 - x0) * view.image.width, (y1 - y0) * view.image.height);
  const { width, height } = view.stage;
  const isLarge = longer * view.scale >= leastPx || view.scale >= MAX_SCALE;
  return x >= 0 && y >= 0 && x <= width && y <= height && isLarge;
}

/** So near that these bounds fill most of the stage. */
export function zoomedTo(view: Viewport, bounds: Bounds): Viewport {
  const width = Math.max((bounds.x1 - bounds.x0) * view.image.width, 1);
  const height = Math.max((bounds.y1 - bounds.y0) * view.image.height, 1);
  const [across, down] = view.turn % 2 ? [height, width] : [width, height];
  const room = 0.8;
  const scale = Math.min(
    MAX_SCALE,
    (view.stage.width * room) / across,
    (view.stage.height * room) / down,
  );
  const near = { ...view, scale };
  const [x, y] = toScreen(near, [(bounds.x0 + bounds.x1) / 2, (bounds.y0 + bounds.y1) / 2]);
  return kept({
    ...near,
    x: near.x + view.stage.width / 2 - x,
    y: near.y + view.stage.height / 2 - y,
  });
}

/** Turned by quarters about the middle of the stage; an image that just fitted fits again. */
export function turned(view: Viewport, quarters: number): Viewport {
  const turn = ((((view.turn + quarters) % 4) + 4) % 4) as Turn;
  if (isFitted(view)) return fitted(view.stage, view.image, turn);
  const [cos, sin] = ROTATIONS[((((turn - view.turn) % 4) + 4) % 4) as Turn];
  const dx = view.x - view.stage.width / 2;
  const dy = view.y - view.stage.height / 2;
  return kept({
    ...view,
    turn,
    x: view.stage.width / 2 + cos * dx - sin * dy,
    y: view.stage.height / 2 + sin * dx + cos * dy,
  });
}

/** On a stage of another size: an image that just fitted fits again, else its middle part stays. */
export function resized(view: Viewport, stage: Size): Viewport {
  if (isFitted(view)) return fitted(stage, view.image, view.turn);
  return kept({
    ...view,
    stage,
    x: view.x + (stage.width - view.stage.width) / 2,
    y: view.y + (stage.height - view.stage.height) / 2,
  });
}

export function isFitted(view: Viewport): boolean {
  const fit = fitted(view.stage, view.image, view.turn);
  return fit.scale === view.scale && fit.x === view.x && fit.y === view.y;
}

/** What of the image is seen, with a margin on each side in shares of the stage; in fractions. */
export function seen(view: Viewport, margin = 0): Bounds {
  const { width, height } = view.stage;
  const [ax, ay] = toImage(view, [-margin * width, -margin * height]);
  const [bx, by] = toImage(view, [(1 + margin) * width, (1 + margin) * height]);
  return {
    x0: Math.min(ax, bx),
    y0: Math.min(ay, by),
    x1: Math.max(ax, bx),
    y1: Math.max(ay, by),
  };
}

/** Where something of the image lies on the stage, in CSS pixels. */
export function onScreen(view: Viewport, bounds: Bounds): Bounds {
  const [ax, ay] = toScreen(view, [bounds.x0, bounds.y0]);
  const [bx, by] = toScreen(view, [bounds.x1, bounds.y1]);
  return {
    x0: Math.min(ax, bx),
    y0: Math.min(ay, by),
    x1: Math.max(ax, bx),
    y1: Math.max(ay, by),
  };
}

/** A CSS transform that lays an element of the image's size (origin top left) onto the stage. */
export function imageTransform(view: Viewport): string {
  const [cos, sin] = ROTATIONS[view.turn];
  const [x, y] = toScreen(view, [0, 0]);
  const numbers = [cos * view.scale, sin * view.scale, -sin * view.scale, cos * view.scale, x, y];
  return `matrix(${numbers.join(",")})`;
}

/** A CSS transform that brings what was painted for one view to where it lies in another. */
export function betweenViews(painted: Viewport, now: Viewport): string {
  const ratio = now.scale / painted.scale;
  const [x, y] = [now.x - ratio * painted.x, now.y - ratio * painted.y];
  return `matrix(${ratio},0,0,${ratio},${x},${y})`;
}

function kept(view: Viewport): Viewport {
  const [width, height] =
    view.turn % 2 ? [view.image.height, view.image.width] : [view.image.width, view.image.height];
  return {
    ...view,
    x: keptAlong(view.x, (width * view.scale) / 2, view.stage.width),
    y: keptAlong(view.y, (height * view.scale) / 2, view.stage.height),
  };
}

function keptAlong(middle: number, half: number, stage: number): number {
  const least = Math.min(KEPT_PX, half, stage / 2);
  return Math.min(stage - least + half, Math.max(least - half, middle));
}
