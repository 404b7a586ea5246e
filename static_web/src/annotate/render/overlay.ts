/** What is being worked on, in SVG above the shapes at rest: selection, handles, drafts, guides. */
import type { Annotation } from "@/api/types";

import { crossingsOf } from "../crossings";
import { boundsOf, polygonOf, shapeOf, type Bounds, type Point, type Shape } from "../geometry";
import { pointCount } from "../simplify";
import type { Sketch } from "../tools/tool";
import { onScreen, toScreen, type Viewport } from "../viewport";
import { EDGE, STRONG_EDGE_PX, STRONG_LINE_PX, type Looks } from "./look";
import { HANDLE_MARGIN_PX, handlesOf, svgDots, svgLine, svgPath } from "./paths";
import {
  CAPTION_FONT,
  CAPTION_GROUND,
  CAPTION_HEIGHT_PX,
  captionPlace,
  captionWidth,
  isRoomy,
} from "./shapesLayer";

export interface Scenery {
  view: Viewport;
  looks: Looks;
  /** Drawn here instead of among the shapes at rest, with their place in the list. */
  lifted: readonly { annotation: Annotation; index: number }[];
  /** Whose handles are shown. */
  handled: ReadonlySet<string>;
  sketch: Sketch;
  /** The class of what is being drawn. */
  draftClass: string;
  hovered: Shape | null;
  /** Where the crosshair stands; null: none. */
  cursor: Point | null;
  /** Lines through the crosshair, from border to border. */
  guides: boolean;
  /** Marks the crosshair itself, which has no pointer on it. */
  cross: boolean;
  fill: number;
}

export interface Overlay {
  draw(scenery: Scenery): void;
  setVisible(visible: boolean): void;
  destroy(): void;
}

const SVG = "http://www.w3.org/2000/svg";
const MAX_PATHS = 100;
const MAX_CHECKED = 500;
const HANDLE_PX = 8;
const HANDLE_EDGE_PX = 11;

export function createOverlay(host: HTMLElement): Overlay {
  const svg = document.createElementNS(SVG, "svg");
  Object.assign(svg.style, {
    position: "absolute",
    inset: "0",
    width: "100%",
    height: "100%",
    overflow: "hidden",
    pointerEvents: "none",
  });
  svg.setAttribute("aria-hidden", "true");
  host.append(svg);

  // All that belongs to shapes; it moves with the view as one.
  const still = document.createElementNS(SVG, "g");
  const shapes = document.createElementNS(SVG, "g");
  const captions = document.createElementNS(SVG, "g");
  captions.style.font = CAPTION_FONT;
  const ruler = document.createElement("canvas").getContext("2d");
  svg.append(still);
  still.append(shapes);
  const handles = dots(still, HANDLE_PX, HANDLE_EDGE_PX, "square");
  const crossings = doubled(still, "white", 2, 5);
  still.append(captions);
  let drawn: Scenery | null = null;

  const hover = line(svg, "white", 2.5);
  const marquee = doubled(svg, "white", 1, 3);
  marquee.fill("rgb(255 255 255 / 0.08)");
  const guides = doubled(svg, "rgb(255 255 255 / 0.8)", 1, 3);
  const draft = doubled(svg, "white", 2, 4);
  const goal = doubled(svg, "white", 2, 4);
  goal.dash("6 4");
  const marks = dots(svg, HANDLE_PX, HANDLE_EDGE_PX, "round");
  const tangles = doubled(svg, "white", 2, 5);
  const outside = doubled(svg, "white", 2, 5);
  const cross = doubled(svg, "white", 1.5, 3.5);
  const pool: { edge: SVGPathElement; line: SVGPathElement }[] = [];

  const drawShapes = ({ lifted, sketch, view, looks, fill }: Scenery): void => {
    const byStyle = new Map<string, { one: Annotation; shapes: Shape[] }>();
    captions.replaceChildren();
    for (const { annotation, index } of lifted) {
      const shape = sketch.shapes?.get(annotation.annotation_id) ?? shapeOf(annotation);
      if (!shape) continue;
      // Very many are drawn by a path for each class: quicker, if not quite right where they overlap.
      const key =
        lifted.length > MAX_PATHS
          ? `${annotation.class_id} ${looks.dashOf(annotation).join()}`
          : annotation.annotation_id;
      const group = byStyle.get(key) ?? { one: annotation, shapes: [] };
      group.shapes.push(shape);
      byStyle.set(key, group);
      const box = onScreen(view, boundsOf(shape));
      if (lifted.length < 20 && isRoomy(box))
        captions.append(
          caption(
            ruler,
            box,
            looks.caption(annotation, index),
            looks.of(annotation.class_id).color,
          ),
        );
    }
    let used = 0;
    for (const { one, shapes: alike } of byStyle.values()) {
      const pair = (pool[used++] ??= newPair(shapes));
      const d = svgPath(alike, view);
      const { color } = looks.of(one.class_id);
      pair.edge.setAttribute("d", d);
      pair.line.setAttribute("d", d);
      // Not grey on white like a shape at rest: the lines of what is selected are wider.
      pair.line.setAttribute("stroke", color);
      pair.line.setAttribute("fill", color);
      pair.line.setAttribute("fill-opacity", String(fill / 2));
      pair.line.setAttribute("stroke-dasharray", looks.dashOf(one).join(" "));
    }
    for (const pair of pool.splice(used)) {
      pair.edge.remove();
      pair.line.remove();
    }
  };

  const drawHandles = ({ lifted, handled, sketch, view }: Scenery): void => {
    const places: Point[] = [];
    const crossed: Point[] = [];
    for (const { annotation } of lifted) {
      const id = annotation.annotation_id;
      const shape = sketch.shapes?.get(id) ?? shapeOf(annotation);
      // While a shape of very many points is pulled, looking for crossings would hold up its frames.
      if (shape?.kind === "polygon" && !(sketch.shapes && pointCount(shape) > MAX_CHECKED))
        crossed.push(...crossingsOf(shape));
      // A handle under the pointer hides the place that is aimed at.
      if (shape && handled.has(id) && !sketch.shapes) places.push(...handlesOf(shape, view));
    }
    handles.d(svgDots(places, view));
    crossings.d(crossed.map((point) => circle(toScreen(view, point), 7)).join(""));
  };

  const drawSketch = ({
    sketch,
    view,
    looks,
    draftClass,
    cursor,
    guides: wide,
    cross: marked,
  }: Scenery): void => {
    const { color } = looks.of(draftClass);
    draft.color(color);
    goal.color(
      sketch.line?.purpose === "cut" || sketch.line?.purpose === "split" ? "white" : color,
    );
    const dotted: Point[] = [...(sketch.points ?? [])];
    if (sketch.line) {
      const { points, to, closes } = sketch.line;
      draft.d(svgLine(points, view) + (closes ? "Z" : ""));
      const [first, last] = [points[0], points.at(-1)];
      goal.d(
        first && last && to && !closes
          ? svgLine(
              points.length > 1 && sketch.line.purpose !== "split" ? [last, to, first] : [last, to],
              view,
            )
          : "",
      );
      dotted.push(...sparse(points, view));
    } else if (sketch.area) {
      draft.d(svgPath([sketch.area], view));
      goal.d(sketch.box ? svgPath([sketch.box], view) : "");
    } else if (sketch.box) {
      draft.d(svgPath([sketch.box], view));
      goal.d("");
    } else {
      draft.d("");
      goal.d("");
    }
    draft.fill(sketch.area ? `color-mix(in srgb, ${color} 25%, transparent)` : "none");
    marks.d(svgDots(dotted, view));
    outside.d((sketch.outside ?? []).map((point) => minus(toScreen(view, point), 6)).join(""));
    tangles.d((sketch.crossings ?? []).map((point) => circle(toScreen(view, point), 7)).join(""));
    marquee.d(sketch.marquee ? svgPath([sketch.marquee], view) : "");
    const at = cursor && toScreen(view, cursor);
    const { width, height } = view.stage;
    guides.d(
      at && wide
        ? `M0 ${at[1]}H${at[0] - 12}M${at[0] + 12} ${at[1]}H${width}M${at[0]} 0V${at[1] - 12}M${at[0]} ${at[1] + 12}V${height}`
        : "",
    );
    cross.d(at && marked ? `M${at[0] - 7} ${at[1]}h5m4 0h5M${at[0]} ${at[1] - 7}v5m0 4v5` : "");
  };

  return {
    draw(scenery) {
      if (drawn && isOnlyPanned(drawn, scenery)) {
        const [dx, dy] = [scenery.view.x - drawn.view.x, scenery.view.y - drawn.view.y];
        still.setAttribute("transform", `translate(${dx} ${dy})`);
      } else {
        still.removeAttribute("transform");
        drawShapes(scenery);
        drawHandles(scenery);
        drawn = scenery;
      }
      drawSketch(scenery);
      hover.setAttribute("d", scenery.hovered ? svgPath([scenery.hovered], scenery.view) : "");
    },
    setVisible(visible) {
      still.style.display = visible ? "" : "none";
    },
    destroy() {
      svg.remove();
    },
  };
}

/** Whether what was drawn for one scenery need only be shifted for another, and not far. */
function isOnlyPanned(before: Scenery, now: Scenery): boolean {
  return (
    before.lifted === now.lifted &&
    before.handled === now.handled &&
    before.looks === now.looks &&
    before.fill === now.fill &&
    !before.sketch.shapes &&
    !now.sketch.shapes &&
    before.view.image === now.view.image &&
    before.view.scale === now.view.scale &&
    before.view.turn === now.view.turn &&
    before.view.stage.width === now.view.stage.width &&
    before.view.stage.height === now.view.stage.height &&
    Math.abs(before.view.x - now.view.x) < HANDLE_MARGIN_PX &&
    Math.abs(before.view.y - now.view.y) < HANDLE_MARGIN_PX
  );
}

function line(svg: Element, color: string, width: number): SVGPathElement {
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("fill", "none");
  path.setAttribute("stroke", color);
  path.setAttribute("stroke-width", String(width));
  path.setAttribute("stroke-linejoin", "round");
  path.setAttribute("fill-rule", "evenodd");
  svg.append(path);
  return path;
}

interface Doubled {
  d(path: string): void;
  color(color: string): void;
  dash(pattern: string): void;
  fill(color: string): void;
}

/** A line in its colour within black. */
function doubled(svg: Element, color: string, width: number, edge: number): Doubled {
  const below = line(svg, EDGE, edge);
  const above = line(svg, color, width);
  return {
    d(path) {
      below.setAttribute("d", path);
      above.setAttribute("d", path);
    },
    color: (next) => above.setAttribute("stroke", next),
    dash: (pattern) => above.setAttribute("stroke-dasharray", pattern),
    fill: (next) => above.setAttribute("fill", next),
  };
}

function dots(svg: Element, size: number, edge: number, cap: "square" | "round"): Doubled {
  const pair = doubled(svg, "white", size, edge);
  for (const path of [...svg.children].slice(-2)) path.setAttribute("stroke-linecap", cap);
  return pair;
}

function newPair(group: Element): { edge: SVGPathElement; line: SVGPathElement } {
  return { edge: line(group, EDGE, STRONG_EDGE_PX), line: line(group, "white", STRONG_LINE_PX) };
}

function circle([x, y]: Point, radius: number): string {
  return `M${x - radius} ${y}a${radius} ${radius} 0 1 0 ${2 * radius} 0a${radius} ${radius} 0 1 0 ${-2 * radius} 0`;
}

function minus([x, y]: Point, half: number): string {
  return `M${x - half} ${y}h${2 * half}`;
}

/** A line drawn by hand has a point everywhere: only the first and the last are marked. */
function sparse(points: readonly Point[], view: Viewport): Point[] {
  const shown = handlesOf(polygonOf([...points]), view);
  return shown.length < 200 ? shown : [points[0], points.at(-1)].filter((one) => one !== undefined);
}

function caption(
  ruler: CanvasRenderingContext2D | null,
  bounds: Bounds,
  text: string,
  color: string,
): SVGGElement {
  const { x, y } = captionPlace(bounds);
  const group = document.createElementNS(SVG, "g");
  group.setAttribute("transform", `translate(${x} ${y})`);
  const ground = element("rect", {
    width: ruler ? captionWidth(ruler, text) : 0,
    height: CAPTION_HEIGHT_PX,
    fill: CAPTION_GROUND,
  });
  const mark = element("rect", { x: 3, y: 4, width: 8, height: 8, fill: color });
  const words = element("text", { x: 14, y: 12, fill: "white" });
  words.textContent = text;
  group.append(ground, mark, words);
  return group;
}

function element(name: "rect" | "text", attributes: Record<string, string | number>): SVGElement {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  return made;
}
