import { split } from "../clip";
import { clampPoint, distance, isSound, shapeOf, type Geometry, type Point } from "../geometry";
import { isCrossedBy } from "../hit";
import type { Effect, Scene, Step, Tool } from "./tool";

type State =
  | { name: "idle" }
  | { name: "pressed"; from: Point; to: Point }
  /** The first end was clicked. */
  | { name: "anchored"; from: Point; to: Point }
  | { name: "closing"; from: Point; to: Point };

const idle: State = { name: "idle" };

/** Splits polygons along a straight line (drag it, or click both ends) into two instances each. */
export const splitTool: Tool<State> = {
  idle,

  step(state, event, scene): Step<State> {
    if (event.type === "cancel") return [idle, []];
    switch (state.name) {
      case "idle": {
        if (event.type !== "down") return [state, []];
        return [{ name: "pressed", from: event.at, to: event.at }, []];
      }
      case "pressed":
        if (event.type === "interrupt") return [idle, []];
        if (event.type === "move") return [{ ...state, to: event.at }, []];
        if (event.type !== "up") return [state, []];
        return isFar(state.from, event.at, scene)
          ? [idle, [divided(state.from, event.at, scene)]]
          : [{ ...state, name: "anchored" }, [{ type: "points", count: 1 }]];
      case "anchored":
        if (event.type === "move") return [{ ...state, to: event.at }, []];
        if (event.type === "back") return [idle, [{ type: "points", count: 0 }]];
        if (event.type === "finish") return [idle, [divided(state.from, state.to, scene)]];
        return event.type === "down"
          ? [{ ...state, name: "closing", to: event.at }, []]
          : [state, []];
      case "closing":
        if (event.type === "interrupt") return [{ ...state, name: "anchored" }, []];
        if (event.type === "move") return [{ ...state, to: event.at }, []];
        return event.type === "up" ? [idle, [divided(state.from, event.at, scene)]] : [state, []];
    }
  },

  sketch(state) {
    if (state.name === "idle") return {};
    const line = { points: [state.from], to: clampPoint(state.to), closes: false };
    return { line: { ...line, purpose: "split" } };
  },
};

/** Those selected, else whatever the line goes through. */
function divided(a: Point, b: Point, scene: Scene): Effect {
  const chosen = new Set(scene.selection);
  const shapes = new Map<string, readonly Geometry[]>();
  let locked = false;
  for (const annotation of scene.annotations) {
    const shape = shapeOf(annotation);
    const id = annotation.annotation_id;
    if (shape?.kind !== "polygon" || (chosen.size && !chosen.has(id))) continue;
    if (!isCrossedBy(shape, a, b)) continue;
    const sides = split(shape, a, b);
    if (!sides?.every((side) => isSound(side, scene.size))) continue;
    if (scene.locked.has(id)) locked = true;
    else shapes.set(id, sides);
  }
  if (shapes.size) return { type: "replace", what: "split", shapes };
  return { type: "refuse", why: locked ? "locked" : "notCrossed" };
}

function isFar(a: Point, b: Point, { reach, size }: Scene): boolean {
  return distance(a, b, size) > reach;
}
