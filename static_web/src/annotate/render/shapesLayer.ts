/**
 * All shapes at rest, on a canvas larger than the stage. While the view moves, the finished picture is
 * moved along by a CSS transform; it is painted anew after the gesture, or when it no longer covers the
 * stage. Painting happens in slices on a second canvas that then takes the place of the first, so that
 * no frame waits for it. A changed shape is painted alone, in its own rectangle.
 */
import type { Annotation } from "@/api/types";

import { crossingsOf } from "../crossings";
import { boundsOf, overlap, shapeOf, type Bounds, type Shape } from "../geometry";
import { pointCount } from "../simplify";
import { betweenViews, onScreen, seen, toScreen, type Viewport } from "../viewport";
import { EDGE, EDGE_PX, LINE_PX, STRONG_EDGE_PX, STRONG_LINE_PX, type Looks } from "./look";
import { trace } from "./paths";

export interface Picture {
  annotations: readonly Annotation[];
  looks: Looks;
  /** Drawn elsewhere: what is being edited. */
  without: ReadonlySet<string>;
  /** Selected, but too many to be drawn elsewhere. */
  strong: ReadonlySet<string>;
  /** Of the areas, in [0, 1]. */
  fill: number;
}

export interface ShapesLayer {
  /** Shows this picture; only what changed is painted. */
  show(picture: Picture): void;
  /** Moves what is painted to this view. */
  follow(view: Viewport): void;
  /** Whether what is shown is about to be replaced. */
  isPainting(): boolean;
  setVisible(visible: boolean): void;
  destroy(): void;
}

/** Painted beyond the stage on every side, in shares of it. */
const MARGIN = 0.25;
/** The view has come to rest. */
const SETTLED_MS = 120;
/** While the view still moves, all is painted at most so often. */
const MOVING_MS = 400;
/** So much is painted in a frame: about 5 ms without a graphics card. */
const SLICE_POINTS = 2_500;
/** More captions than this hide the picture. */
const MAX_CAPTIONS = 150;
/** More changed shapes than this, and painting all is as fast. */
const MAX_PARTS = 24;

export const CAPTION_HEIGHT_PX = 16;
const CAPTION_WIDTH_PX = 180;
export const CAPTION_GROUND = "rgb(0 0 0 / 0.75)";
export const CAPTION_FONT =
  '11px "Segoe UI", "Malgun Gothic", "Apple SD Gothic Neo", "NanumGothic", sans-serif';

interface Sheet {
  canvas: HTMLCanvasElement;
  pen: CanvasRenderingContext2D | null;
}

/** One shape, where it is painted. */
interface Entry {
  annotation: Annotation;
  shape: Shape;
  index: number;
  points: number;
}

export function createShapesLayer(host: HTMLElement): ShapesLayer {
  const root = document.createElement("div");
  Object.assign(root.style, { position: "absolute", inset: "0" });
  host.append(root);
  let [front, back] = [sheet(root), sheet(root)];
  let picture: Picture | null = null;
  let view: Viewport | null = null;
  let painted: Viewport | null = null;
  let captions = false;
  let job = 0;
  let begun = -Infinity;
  let settling: ReturnType<typeof setTimeout> | undefined;
  // jsdom knows no media; there is one device pixel then.
  const ratio = (): number => globalThis.devicePixelRatio || 1;

  const place = (): void => {
    if (!view || !painted) return;
    const covers = painted.turn === view.turn && painted.image === view.image;
    front.canvas.style.visibility = covers ? "" : "hidden";
    front.canvas.style.transform = betweenViews(painted, view);
  };

  /** Paints everything for the view as it is now, slice by slice. */
  const repaint = (): void => {
    clearTimeout(settling);
    settling = undefined;
    cancelAnimationFrame(job);
    job = 0;
    if (!picture || !view || view.stage.width <= 0) return;
    const [target, goal, source] = [back, view, picture];
    const entries = visible(source, goal);
    const withCaptions = entries.length <= MAX_CAPTIONS;
    begun = performance.now();
    prepare(target, goal, ratio());
    const slice = (from: number): void => {
      let [to, points] = [from, 0];
      while (to < entries.length && points < SLICE_POINTS) points += entries[to++]?.points ?? 0;
      paint(target.pen, entries.slice(from, to), goal, source, withCaptions);
      if (to < entries.length) {
        job = requestAnimationFrame(() => slice(to));
        return;
      }
      job = 0;
      [front, back] = [back, front];
      painted = goal;
      captions = withCaptions;
      back.canvas.style.visibility = "hidden";
      place();
      if (view && view !== goal) later();
    };
    slice(0);
  };

  const later = (): void => {
    clearTimeout(settling);
    settling = setTimeout(repaint, SETTLED_MS);
  };

  const repaintParts = (parts: readonly Bounds[]): void => {
    const { pen } = front;
    if (!picture || !painted || !pen) return;
    const [mx, my] = [painted.stage.width * MARGIN, painted.stage.height * MARGIN];
    const entries = visible(picture, painted);
    for (const part of parts) {
      const area = dirty(onScreen(painted, part));
      pen.save();
      pen.beginPath();
      pen.rect(area.x0, area.y0, area.x1 - area.x0, area.y1 - area.y0);
      pen.clip();
      pen.clearRect(-mx, -my, painted.stage.width + 2 * mx, painted.stage.height + 2 * my);
      const goal = painted;
      const near = entries.filter(({ shape }) =>
        overlap(dirty(onScreen(goal, boundsOf(shape))), area),
      );
      paint(pen, near, goal, picture, captions);
      pen.restore();
    }
  };

  return {
    show(next) {
      const before = picture;
      picture = next;
      if (!view) return;
      const parts = before && painted && !job ? changedParts(before, next) : null;
      if (!parts || (captions && before?.annotations.length !== next.annotations.length)) repaint();
      else repaintParts(parts);
    },
    follow(next) {
      if (view === next) return;
      const first = !view || !painted || painted.turn !== next.turn || painted.image !== next.image;
      const resized =
        view?.stage.width !== next.stage.width || view.stage.height !== next.stage.height;
      view = next;
      if (first || resized) {
        repaint();
        place();
        return;
      }
      place();
      later();
      const isDue = performance.now() - begun > MOVING_MS;
      if (!job && isDue && painted && !coversStage(painted, next)) repaint();
    },
    isPainting: () => job !== 0,
    setVisible(visible) {
      root.style.display = visible ? "" : "none";
    },
    destroy() {
      clearTimeout(settling);
      cancelAnimationFrame(job);
      root.remove();
    },
  };
}

function sheet(host: HTMLElement): Sheet {
  const canvas = document.createElement("canvas");
  Object.assign(canvas.style, {
    position: "absolute",
    pointerEvents: "none",
    visibility: "hidden",
  });
  host.append(canvas);
  return { canvas, pen: canvas.getContext("2d") };
}

/** Empties a sheet and gives it the size of the view with its margin. */
function prepare({ canvas, pen }: Sheet, view: Viewport, ratio: number): void {
  const { width, height } = view.stage;
  const [mx, my] = [width * MARGIN, height * MARGIN];
  const [wide, high] = [Math.ceil((width + 2 * mx) * ratio), Math.ceil((height + 2 * my) * ratio)];
  if (canvas.width !== wide || canvas.height !== high) {
    canvas.width = wide;
    canvas.height = high;
    Object.assign(canvas.style, {
      left: `${-mx}px`,
      top: `${-my}px`,
      width: `${width + 2 * mx}px`,
      height: `${height + 2 * my}px`,
      transformOrigin: `${mx}px ${my}px`,
    });
  }
  pen?.setTransform(1, 0, 0, 1, 0, 0);
  pen?.clearRect(0, 0, wide, high);
  pen?.setTransform(ratio, 0, 0, ratio, mx * ratio, my * ratio);
}

/** Whether what was painted for one view is still enough, and sharp enough, for another. */
function coversStage(painted: Viewport, now: Viewport): boolean {
  const zoom = now.scale / painted.scale;
  if (zoom > 2.5 || zoom < 0.4) return false;
  const have = seen(painted, MARGIN);
  const need = seen(now);
  // Beyond the image there is nothing to paint.
  return (
    Math.max(need.x0, 0) >= have.x0 &&
    Math.max(need.y0, 0) >= have.y0 &&
    Math.min(need.x1, 1) <= have.x1 &&
    Math.min(need.y1, 1) <= have.y1
  );
}

/** The shapes in view. */
function visible({ annotations, without }: Picture, view: Viewport): Entry[] {
  const area = seen(view, MARGIN);
  return annotations.flatMap((annotation, index) => {
    const shape = shapeOf(annotation);
    if (!shape || without.has(annotation.annotation_id) || !overlap(boundsOf(shape), area))
      return [];
    return { annotation, shape, index, points: shape.kind === "box" ? 4 : pointCount(shape) };
  });
}

function paint(
  pen: CanvasRenderingContext2D | null,
  entries: readonly Entry[],
  view: Viewport,
  { looks, strong, fill }: Picture,
  captions: boolean,
): void {
  if (!pen) return;
  // Sharp corners are cut short: round ones take twice as long.
  pen.miterLimit = 3;
  // A path for each shape: one for many takes longer without a graphics card.
  for (const { annotation, shape } of entries) {
    const { color } = looks.of(annotation.class_id);
    const isStrong = strong.has(annotation.annotation_id);
    pen.beginPath();
    trace(pen, shape, view);
    pen.setLineDash([]);
    pen.fillStyle = color;
    pen.globalAlpha = fill;
    pen.fill("evenodd");
    pen.globalAlpha = 1;
    pen.strokeStyle = EDGE;
    pen.lineWidth = isStrong ? STRONG_EDGE_PX : EDGE_PX;
    pen.stroke();
    pen.setLineDash([...looks.dashOf(annotation)]);
    pen.strokeStyle = color;
    pen.lineWidth = isStrong ? STRONG_LINE_PX : LINE_PX;
    pen.stroke();
  }
  pen.setLineDash([]);
  for (const { shape } of entries) if (shape.kind === "polygon") markCrossings(pen, shape, view);
  if (captions)
    for (const { annotation, shape, index } of entries) {
      const box = onScreen(view, boundsOf(shape));
      if (isRoomy(box))
        caption(pen, box, looks.caption(annotation, index), looks.of(annotation.class_id).color);
    }
}

/** A ring where an outline crosses itself. */
function markCrossings(
  pen: CanvasRenderingContext2D,
  polygon: Extract<Shape, { kind: "polygon" }>,
  view: Viewport,
): void {
  for (const place of crossingsOf(polygon)) {
    const [x, y] = toScreen(view, place);
    for (const [style, width] of [
      [EDGE, 5],
      ["white", 2],
    ] as const) {
      pen.beginPath();
      pen.arc(x, y, 6, 0, 2 * Math.PI);
      pen.strokeStyle = style;
      pen.lineWidth = width;
      pen.stroke();
    }
  }
}

/** Whether a caption would not be larger than its shape. */
export function isRoomy({ x0, y0, x1, y1 }: Bounds): boolean {
  return x1 - x0 >= 28 && y1 - y0 >= 14;
}

export function captionWidth(pen: CanvasRenderingContext2D, text: string): number {
  pen.font = CAPTION_FONT;
  return Math.min(CAPTION_WIDTH_PX, pen.measureText(text).width + 18);
}

/** Above the top left corner of the shape, or in it at the upper border of the stage. */
export function captionPlace({ x0, y0 }: Bounds): { x: number; y: number } {
  return { x: x0, y: y0 >= CAPTION_HEIGHT_PX ? y0 - CAPTION_HEIGHT_PX - 2 : y0 + 2 };
}

function caption(pen: CanvasRenderingContext2D, bounds: Bounds, text: string, color: string): void {
  const { x, y } = captionPlace(bounds);
  pen.textBaseline = "middle";
  const width = Math.min(CAPTION_WIDTH_PX, pen.measureText(text).width + 18);
  pen.fillStyle = "rgb(0 0 0 / 0.75)";
  pen.fillRect(x, y, width, CAPTION_HEIGHT_PX);
  pen.fillStyle = color;
  pen.fillRect(x + 3, y + 4, 8, 8);
  pen.fillStyle = "white";
  pen.fillText(text, x + 14, y + CAPTION_HEIGHT_PX / 2 + 0.5, CAPTION_WIDTH_PX - 18);
}

/** What of the screen a shape may have touched: its lines and its caption. */
function dirty({ x0, y0, x1, y1 }: Bounds): Bounds {
  const edge = 8;
  return {
    x0: x0 - edge,
    y0: y0 - CAPTION_HEIGHT_PX - edge,
    x1: Math.max(x1, x0 + CAPTION_WIDTH_PX) + edge,
    y1: Math.max(y1, y0 + CAPTION_HEIGHT_PX) + edge,
  };
}

/** Where two pictures differ; null when it is easier to paint all. */
function changedParts(before: Picture, after: Picture): Bounds[] | null {
  if (before.looks !== after.looks || before.fill !== after.fill) return null;
  const parts: Bounds[] = [];
  const add = (annotation: Annotation | undefined): void => {
    const shape = shapeOf(annotation);
    if (shape) parts.push(boundsOf(shape));
  };
  if (before.annotations !== after.annotations) {
    const old = new Set(before.annotations);
    const now = new Set(after.annotations);
    for (const one of before.annotations) if (!now.has(one)) add(one);
    for (const one of after.annotations) if (!old.has(one)) add(one);
  }
  if (before.without !== after.without || before.strong !== after.strong)
    for (const one of after.annotations) {
      const id = one.annotation_id;
      if (
        before.without.has(id) !== after.without.has(id) ||
        before.strong.has(id) !== after.strong.has(id)
      )
        add(one);
    }
  return parts.length > MAX_PARTS ? null : parts;
}
