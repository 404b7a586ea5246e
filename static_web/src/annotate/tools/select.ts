import {
  allowedMove,
  boundsOf,
  boundsOfAll,
  boxBetween,
  boxOf,
  clampPoint,
  contains,
  distance,
  isSound,
  moved,
  pointAt,
  shapeOf,
  within,
  withNewPoint,
  withoutPoint,
  withPoint,
  type Box,
  type Point,
  type PointRef,
  type Polygon,
  type Shape,
} from "../geometry";
import { edgeAt, shapesAt, sideAt, vertexAt, type Side } from "../hit";
import type { Effect, Press, Scene, Sketch, Step, Tool } from "./tool";

/** What lies under the pointer, and what a drag from there does. */
export type Grip =
  | { kind: "ground" }
  | { kind: "body"; id: string }
  | { kind: "side"; id: string; side: Side }
  | { kind: "point"; id: string; ref: PointRef }
  | { kind: "edge"; id: string; ref: PointRef; point: Point };

/** Of the polygon as it was then: in another, even of the same id, the place may be another point's. */
interface PointOf {
  id: string;
  ref: PointRef;
  polygon: Polygon;
}

interface Kept {
  /** The point of a polygon that was clicked or set last; see `inHand`. */
  point: PointOf | null;
  /** Where the last click was: another there walks down the stack. */
  clicked: Point | null;
}

type State = Kept &
  (
    | { name: "idle" }
    | { name: "pressed"; from: Point; grip: Grip; wasSelected: boolean; add: boolean; alt: boolean }
    | { name: "moving"; from: Point; to: Point; ids: readonly string[] }
    | { name: "resizing"; from: Point; to: Point; id: string; side: Side }
    | { name: "pulling"; from: Point; to: Point; id: string; ref: PointRef; isNew: boolean }
    | { name: "framing"; from: Point; to: Point }
  );

const idle: State = { name: "idle", point: null, clicked: null };

/**
 * Selects, moves and reshapes. A click takes the smallest shape, another at the same place the next in
 * the stack; a drag moves what is selected, pulls a side of a box or a point of a polygon, or on empty
 * ground frames several. With `points`, the edges of polygons can be gripped too: a click or a drag
 * there adds a point, and the point clicked last can be removed or nudged. Alt and a click removes.
 */
export function selectTool({ points }: { points: boolean }): Tool<State> {
  return {
    idle,

    step(state, event, scene): Step<State> {
      if (event.type === "cancel") return [idle, []];
      if (event.type === "interrupt") return [rest(state), []];
      switch (state.name) {
        case "idle":
          if (event.type === "down") return press(state, event, scene, points);
          if (event.type === "remove")
            return points ? remove(state, inHand(state, scene), scene) : [state, []];
          return event.type === "nudge" && points ? nudge(state, event.by, scene) : [state, []];
        case "pressed":
          if (event.type === "move") return begin(state, event, scene);
          return event.type === "up" ? click(state, scene, points) : [state, []];
        default:
          if (event.type === "move") return [{ ...state, to: event.at }, []];
          return event.type === "up" ? drop({ ...state, to: event.at }, scene) : [state, []];
      }
    },

    sketch(state, scene): Sketch {
      const point = inHand(state, scene);
      const at = point && pointAt(point.polygon, point.ref);
      const marks = points && at && state.name !== "pulling" ? { points: [at] } : {};
      if (state.name === "idle" || state.name === "pressed") return marks;
      if (state.name === "framing") return { marquee: frame(state, scene) };
      return { ...marks, shapes: changed(state, scene) };
    },
  };
}

/** What can be gripped at a point. With `handles`, only the handles of what is selected. */
export function gripAt(
  at: Point,
  scene: Scene,
  { points, handles = false }: { points: boolean; handles?: boolean },
): Grip {
  const selected = scene.selection.filter((id) => !scene.locked.has(id));
  // Several at once are only moved: so many handles would lie in each other's way.
  for (const id of selected.length === 1 ? selected : []) {
    const shape = shapeById(id, scene);
    const grip = shape && handleAt(id, shape, at, scene, points, handles);
    if (grip) return grip;
  }
  if (handles) return { kind: "ground" };
  const stack = shapesAt(scene.annotations, at, scene.reach / 2, scene.size);
  const id = stack.find((one) => scene.selection.includes(one)) ?? stack[0];
  return id === undefined ? { kind: "ground" } : { kind: "body", id };
}

function handleAt(
  id: string,
  shape: Shape,
  at: Point,
  { reach, size }: Scene,
  points: boolean,
  handles: boolean,
): Grip | null {
  if (shape.kind === "box") {
    const side = sideAt(shape, at, grippedReach(shape, at, reach, size), size, handles);
    return side && { kind: "side", id, side };
  }
  const ref = vertexAt(shape, at, reach, size);
  if (ref) return { kind: "point", id, ref };
  const edge = points ? edgeAt(shape, at, reach, size) : null;
  return edge && { kind: "edge", id, ...edge };
}

/** Inside a box so small that its sides are everywhere, a third of it is left to move it by. */
function grippedReach(box: Box, at: Point, reach: number, size: Scene["size"]): number {
  if (!contains(box, at)) return reach;
  const least = Math.min((box.x1 - box.x0) * size.width, (box.y1 - box.y0) * size.height);
  return Math.min(reach, least / 3);
}

function press(state: State, event: Press, scene: Scene, points: boolean): Step<State> {
  const grip = gripAt(event.at, scene, { points });
  const wasSelected = grip.kind !== "ground" && scene.selection.includes(grip.id);
  const add = event.shift || event.mod;
  const next: State = {
    name: "pressed",
    from: event.at,
    grip,
    wasSelected,
    add,
    alt: event.alt,
    point: grip.kind === "point" ? pointOf(grip, scene) : null,
    clicked: state.clicked,
  };
  // What is not selected yet is at once, so that a drag from here moves it.
  const select: Effect[] =
    grip.kind === "body" && !wasSelected && !add ? [{ type: "select", ids: [grip.id] }] : [];
  return [next, select];
}

function begin(
  state: Extract<State, { name: "pressed" }>,
  { at }: Press,
  scene: Scene,
): Step<State> {
  const { from, grip } = state;
  // A third of reach: less is the tremble of a click.
  if (distance(from, at, scene.size) <= scene.reach / 3) return [state, []];
  const drag = { point: state.point, clicked: null, from, to: at };
  switch (grip.kind) {
    case "ground":
      return [{ ...drag, name: "framing" }, []];
    case "side":
      return [{ ...drag, name: "resizing", id: grip.id, side: grip.side }, []];
    case "point":
    case "edge": {
      const { id, ref } = grip;
      return [{ ...drag, name: "pulling", id, ref, isNew: grip.kind === "edge" }, []];
    }
    case "body": {
      const all = scene.selection.includes(grip.id) ? scene.selection : [grip.id];
      const ids = all.filter((id) => !scene.locked.has(id));
      return ids.length
        ? [{ ...drag, name: "moving", ids }, []]
        : [rest(state), [{ type: "refuse", why: "locked" }]];
    }
  }
}

function click(
  state: Extract<State, { name: "pressed" }>,
  scene: Scene,
  points: boolean,
): Step<State> {
  const { grip, from } = state;
  const after: State = { name: "idle", point: state.point, clicked: from };
  if (grip.kind === "ground") return [after, state.add ? [] : [{ type: "select", ids: [] }]];
  if (grip.kind === "side") return [after, []];
  const polygon = polygonAt(grip.id, scene);
  if (grip.kind === "point" && state.alt) return remove(after, pointOf(grip, scene), scene);
  if (grip.kind === "edge" && polygon) {
    const grown = withNewPoint(polygon, grip.ref, grip.point);
    const point = { id: grip.id, ref: grip.ref, polygon: grown };
    return [{ ...after, point }, [replace("points", new Map([[grip.id, grown]]))]];
  }
  if (grip.kind !== "body") return points ? [after, []] : [{ ...after, point: null }, []];
  if (state.add) {
    const ids = state.wasSelected
      ? scene.selection.filter((id) => id !== grip.id)
      : [...scene.selection, grip.id];
    return [after, [{ type: "select", ids }]];
  }
  if (!state.wasSelected) return [after, []];
  const stack = shapesAt(scene.annotations, from, scene.reach / 2, scene.size);
  const again = state.clicked && distance(state.clicked, from, scene.size) <= scene.reach;
  const next = again ? stack[(stack.indexOf(grip.id) + 1) % stack.length] : stack[0];
  return [after, next === undefined ? [] : [{ type: "select", ids: [next] }]];
}

function drop(state: Exclude<State, { name: "idle" | "pressed" }>, scene: Scene): Step<State> {
  if (state.name === "framing") {
    const area = frame(state, scene);
    const ids = scene.annotations.flatMap((annotation) => {
      const shape = shapeOf(annotation);
      return shape && within(boundsOf(shape), area) ? [annotation.annotation_id] : [];
    });
    return [rest(state), [{ type: "select", ids }]];
  }
  const shapes = changed(state, scene);
  if (!shapes.size) return [rest(state), []];
  const fits = (shape: Shape): boolean => state.name === "moving" || isSound(shape, scene.size);
  if (![...shapes.values()].every(fits))
    return [rest(state), [{ type: "refuse", why: "tooSmall" }]];
  const what = { moving: "move", resizing: "resize", pulling: "points" } as const;
  const pulled = state.name === "pulling" ? shapes.get(state.id) : undefined;
  const after: State =
    state.name === "pulling" && pulled?.kind === "polygon"
      ? { ...rest(state), point: { id: state.id, ref: state.ref, polygon: pulled } }
      : rest(state);
  return [after, [replace(what[state.name], shapes)]];
}

/** The shapes as they would be if the drag ended now. None where it leads nowhere. */
function changed(
  state: Extract<State, { name: "moving" | "resizing" | "pulling" }>,
  scene: Scene,
): ReadonlyMap<string, Shape> {
  const by: Point = [state.to[0] - state.from[0], state.to[1] - state.from[1]];
  if (!by[0] && !by[1]) return new Map();
  switch (state.name) {
    case "moving": {
      const shapes = state.ids.flatMap((id) => {
        const shape = shapeById(id, scene);
        return shape ? [[id, shape] as const] : [];
      });
      const hull = boundsOfAll(shapes.map(([, shape]) => shape));
      if (!hull) return new Map();
      const allowed = allowedMove(hull, by);
      if (!allowed[0] && !allowed[1]) return new Map();
      return new Map(shapes.map(([id, shape]) => [id, moved(shape, allowed)]));
    }
    case "resizing": {
      const box = shapeById(state.id, scene);
      return box?.kind === "box"
        ? new Map([[state.id, stretched(box, state.side, by, scene)]])
        : new Map();
    }
    case "pulling": {
      const polygon = polygonAt(state.id, scene);
      if (!polygon) return new Map();
      if (state.isNew)
        return new Map([[state.id, withNewPoint(polygon, state.ref, clampPoint(state.to))]]);
      const old = pointAt(polygon, state.ref);
      return old ? new Map([[state.id, withMoved(polygon, state.ref, old, by)]]) : new Map();
    }
  }
}

function withMoved(polygon: Polygon, ref: PointRef, [x, y]: Point, [dx, dy]: Point): Polygon {
  return withPoint(polygon, ref, clampPoint([x + dx, y + dy]));
}

/** A side pulled beyond the other turns the box over. */
function stretched(box: Box, side: Side, [dx, dy]: Point, { size }: Scene): Box {
  const x0 = side.x === -1 ? box.x0 + dx : box.x0;
  const x1 = side.x === 1 ? box.x1 + dx : box.x1;
  const y0 = side.y === -1 ? box.y0 + dy : box.y0;
  const y1 = side.y === 1 ? box.y1 + dy : box.y1;
  return boxBetween([x0, y0], [x1, y1], size);
}

function frame({ from, to }: { from: Point; to: Point }, { size }: Scene): Box {
  const [a, b] = [clampPoint(from), clampPoint(to)];
  return boxOf(boxBetween(a, b, size));
}

function remove(state: State, point: PointOf | null, scene: Scene): Step<State> {
  if (!point) return [state, []];
  const { id, ref, polygon } = point;
  const after: State = { name: "idle", point: null, clicked: state.clicked };
  if (scene.locked.has(id)) return [after, [{ type: "refuse", why: "locked" }]];
  const rest = withoutPoint(polygon, ref);
  if (!rest || !isSound(rest, scene.size))
    return [after, [{ type: "refuse", why: "needsThreePoints" }]];
  return [after, [replace("points", new Map([[id, rest]]))]];
}

function nudge(state: State, by: Point, scene: Scene): Step<State> {
  const point = inHand(state, scene);
  const old = point && pointAt(point.polygon, point.ref);
  if (!point || !old) return [state, []];
  const { id, ref } = point;
  if (scene.locked.has(id)) return [state, [{ type: "refuse", why: "locked" }]];
  const polygon = withMoved(point.polygon, ref, old, by);
  return isSound(polygon, scene.size)
    ? [{ ...state, point: { id, ref, polygon } }, [replace("points", new Map([[id, polygon]]))]]
    : [state, [{ type: "refuse", why: "tooSmall" }]];
}

/** The point that keys are about: none once something else is selected, or undo changed its polygon. */
function inHand({ point }: State, scene: Scene): PointOf | null {
  const isAlone = scene.selection.length === 1 && scene.selection[0] === point?.id;
  return point && isAlone && polygonAt(point.id, scene) === point.polygon ? point : null;
}

function pointOf({ id, ref }: Pick<PointOf, "id" | "ref">, scene: Scene): PointOf | null {
  const polygon = polygonAt(id, scene);
  return polygon && { id, ref, polygon };
}

function replace(what: "move" | "resize" | "points", shapes: ReadonlyMap<string, Shape>): Effect {
  return {
    type: "replace",
    what,
    shapes: new Map([...shapes].map(([id, shape]) => [id, [shape]])),
  };
}

function rest({ point, clicked }: State): State {
  return { name: "idle", point, clicked };
}

function shapeById(id: string, scene: Scene): Shape | null {
  return shapeOf(scene.annotations.find((one) => one.annotation_id === id));
}

function polygonAt(id: string, scene: Scene): Polygon | null {
  const shape = shapeById(id, scene);
  return shape?.kind === "polygon" ? shape : null;
}
