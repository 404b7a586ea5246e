import { subtracted, united, untangled } from "../clip";
import { crossingsOfLine } from "../crossings";
import {
  clampPoint,
  distance,
  isSound,
  polygonOf,
  shapeOf,
  type Point,
  type Polygon,
} from "../geometry";
import { shapesAt } from "../hit";
import { simplifiedLine } from "../simplify";
import type { Effect, Press, Purpose, Scene, Step, Tool, ToolEvent } from "./tool";

type State =
  | { name: "idle" }
  | {
      name: "placing";
      points: Point[];
      to: Point | null;
      purpose: Purpose;
      /** When the last point was set: a second click there soon after is a double click. */
      setAt: number;
    }
  /** The button is down; the point is set where it is released. `closes`: on the first point. */
  | {
      name: "pressed";
      points: Point[];
      to: Point;
      purpose: Purpose;
      setAt: number;
      closes: boolean;
    }
  /** A line drawn in one go. */
  | { name: "tracing"; points: Point[]; trail: Point[]; purpose: Purpose };

type Drafting = Exclude<State, { name: "idle" }>;

const idle: State = { name: "idle" };

/** A second click on a point within this time closes the outline. No click ever waits for it. */
const DOUBLE_CLICK_MS = 400;
/** How far apart the two may be, in shares of reach: a hand that sets points goes on further than it trembles. */
const DOUBLE_CLICK_REACH = 0.5;

/** How far a drawn line may be off after it was simplified, in shares of reach: under two CSS pixels. */
const TRACE_TOLERANCE = 0.2;

/**
 * Draws an outline: point by point, or by dragging with Shift or a pen. It is closed by Enter, by a
 * click on its first point, by a double click, or by a drawn line that ends where it began.
 *
 * As `add` it becomes more of the selected polygon (one shape where they overlap, else another part
 * of it), as `cut` it is taken from it (within it: a hole). With Ctrl or Alt held at the first point
 * the tool for new polygons does the same.
 */
export function outlineTool(usual: Purpose, freehand = false): Tool<State> {
  return {
    idle,

    step(state, event, scene): Step<State> {
      if (event.type === "cancel") return [idle, []];
      switch (state.name) {
        case "idle":
          return event.type === "down"
            ? press(
                { points: [], purpose: purposeOf(usual, event), setAt: -Infinity },
                event,
                scene,
                freehand,
              )
            : [state, []];
        case "placing":
          return place(state, event, scene, freehand);
        case "pressed":
          if (event.type === "move")
            return [state.closes ? state : { ...state, to: clampPoint(event.at) }, []];
          if (event.type === "interrupt") return [rest(state, null), []];
          if (event.type !== "up") return [state, []];
          if (state.closes) return close(state, scene);
          return set(state, [...state.points, clampPoint(event.at)], event.time);
        case "tracing":
          return trace(state, event, scene);
      }
    },

    sketch(state) {
      if (state.name === "idle") return {};
      const points = state.name === "tracing" ? [...state.points, ...state.trail] : state.points;
      const to = state.name === "tracing" ? null : state.to;
      const line = to ? [...points, to] : points;
      return {
        line: {
          points,
          to,
          closes: state.name === "pressed" && state.closes,
          purpose: state.purpose,
        },
        crossings: crossingsOfLine(line),
      };
    },

    again: (state) => [{ type: "points", count: state.name === "idle" ? 0 : state.points.length }],
    draft: (state) =>
      state.name === "idle" || !state.points.length
        ? null
        : { points: state.points, purpose: state.purpose },
    resumed: ({ points, purpose }) =>
      rest({ points: [...points], purpose, setAt: -Infinity }, null),
  };
}

function purposeOf(usual: Purpose, event: Press): Purpose {
  if (usual !== "new") return usual;
  return event.alt ? "cut" : event.mod ? "add" : "new";
}

function press(
  {
    points,
    purpose,
    setAt,
  }: Pick<Extract<State, { name: "placing" }>, "points" | "purpose" | "setAt">,
  event: Press,
  scene: Scene,
  freehand: boolean,
): Step<State> {
  const at = clampPoint(event.at);
  if (freehand || event.shift || event.pen)
    return [{ name: "tracing", points, trail: [at], purpose }, []];
  const first = points[0];
  const closes = points.length >= 3 && !!first && isSame(first, at, scene);
  return [{ name: "pressed", points, to: at, purpose, setAt, closes }, []];
}

function place(
  state: Extract<State, { name: "placing" }>,
  event: ToolEvent,
  scene: Scene,
  freehand: boolean,
): Step<State> {
  switch (event.type) {
    case "down": {
      const last = state.points.at(-1);
      const apart = last && distance(last, clampPoint(event.at), scene.size);
      const again = apart !== undefined && apart <= scene.reach * DOUBLE_CLICK_REACH;
      if (again && event.time - state.setAt < DOUBLE_CLICK_MS)
        return state.points.length >= 3 ? close(state, scene) : [state, []];
      return press(state, event, scene, freehand);
    }
    case "move":
      return [{ ...state, to: clampPoint(event.at) }, []];
    case "back":
      return set(state, state.points.slice(0, -1), -Infinity, state.to);
    case "finish":
      return close(state, scene);
    default:
      return [state, []];
  }
}

function trace(
  state: Extract<State, { name: "tracing" }>,
  event: ToolEvent,
  scene: Scene,
): Step<State> {
  if (event.type === "interrupt") return [rest({ ...state, setAt: -Infinity }, null), []];
  if (event.type !== "move" && event.type !== "up") return [state, []];
  const at = clampPoint(event.at);
  const last = state.trail.at(-1);
  // Points nearer than the hand can mean would only be simplified away.
  const far = !last || distance(last, at, scene.size) > scene.reach / 10;
  const trail = far ? [...state.trail, at] : state.trail;
  if (event.type === "move") return [far ? { ...state, trail } : state, []];
  const line = simplifiedLine(trail, scene.reach * TRACE_TOLERANCE, scene.size);
  const points = [...state.points, ...line];
  const first = points[0];
  const back = first && distance(first, at, scene.size) <= 2 * scene.reach;
  const drafting = { ...state, points, setAt: event.time };
  if (back && points.length > 3) {
    const closed = close({ ...drafting, points: points.slice(0, -1) }, scene);
    if (closed[0].name === "idle") return closed;
  }
  return set(drafting, points, event.time);
}

function set(
  { purpose }: Pick<Drafting, "purpose">,
  points: Point[],
  setAt: number,
  to: Point | null = null,
): Step<State> {
  return [rest({ points, purpose, setAt }, to), [{ type: "points", count: points.length }]];
}

/** The draft between presses; without a point there is none. */
function rest(
  { points, purpose, setAt }: { points: Point[]; purpose: Purpose; setAt: number },
  to: Point | null,
): State {
  return points.length ? { name: "placing", points, to, purpose, setAt } : idle;
}

/** Closed if there is something to close; else the draft stays and can be gone on with. */
function close(
  { points, purpose }: Pick<Drafting, "points" | "purpose">,
  scene: Scene,
): Step<State> {
  const stay = rest({ points, purpose, setAt: -Infinity }, null);
  const distinct = points.filter((point, index) => !isEqual(point, points[index - 1]));
  if (distinct.length < 3) return [stay, [{ type: "refuse", why: "needsThreePoints" }]];
  const line = polygonOf(distinct);
  // A figure of eight may have as much area on one side as on the other: none, by the formula.
  const outline = isSound(line, scene.size) ? line : untangled(line);
  if (!outline || !isSound(outline, scene.size))
    return [stay, [{ type: "refuse", why: "tooSmall" }]];
  const effect = purpose === "new" ? added(outline) : combined(outline, purpose, scene);
  return [effect.type === "refuse" ? stay : idle, [effect]];
}

function added(outline: Polygon): Effect {
  return { type: "add", geometry: outline };
}

function combined(outline: Polygon, purpose: Purpose, scene: Scene): Effect {
  const target = targetOf(outline, scene);
  if (!target) return purpose === "add" ? added(outline) : { type: "refuse", why: "nothingToCut" };
  if (scene.locked.has(target.id)) return { type: "refuse", why: "locked" };
  const result =
    purpose === "add" ? united([target.polygon, outline]) : subtracted(target.polygon, [outline]);
  if (!result || !isSound(result, scene.size)) return { type: "refuse", why: "nothingLeft" };
  return {
    type: "replace",
    what: purpose === "add" ? "add" : "cut",
    shapes: new Map([[target.id, [result]]]),
  };
}

/** The selected polygon, else the smallest where the outline was begun. */
function targetOf(outline: Polygon, scene: Scene): { id: string; polygon: Polygon } | null {
  const begun = outline.parts[0]?.outer[0];
  const candidates = [
    ...scene.selection,
    ...(begun ? shapesAt(scene.annotations, begun, 0, scene.size) : []),
  ];
  for (const id of candidates) {
    const shape = shapeOf(scene.annotations.find((one) => one.annotation_id === id));
    if (shape?.kind === "polygon") return { id, polygon: shape };
  }
  return null;
}

function isSame(a: Point, b: Point, { reach, size }: Scene): boolean {
  return distance(a, b, size) <= reach;
}

function isEqual(a: Point, b: Point | undefined): boolean {
  return b !== undefined && a[0] === b[0] && a[1] === b[1];
}
