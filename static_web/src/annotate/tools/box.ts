import { around, boxBetween, boxOf, clampPoint, distance, isSound, type Point } from "../geometry";
import type { Scene, Step, Tool, ToolEvent } from "./tool";

type State =
  | { name: "idle" }
  /** The button is down, and nobody knows yet whether it is a click or a drag. */
  | { name: "pressed"; from: Point }
  | { name: "dragging"; from: Point; to: Point }
  /** The first corner was clicked. */
  | { name: "anchored"; from: Point; to: Point }
  | { name: "closing"; from: Point; to: Point };

const idle: State = { name: "idle" };

/** Draws a box from corner to corner: press, drag, release; or click, click. */
export const boxTool: Tool<State> = {
  idle,

  step(state: State, event: ToolEvent, scene: Scene): Step<State> {
    if (event.type === "cancel") return [idle, []];
    switch (state.name) {
      case "idle":
        if (event.type !== "down") return [state, []];
        return [{ name: "pressed", from: clampPoint(event.at) }, []];
      case "pressed": {
        if (event.type === "interrupt") return [idle, []];
        if (event.type !== "move" && event.type !== "up") return [state, []];
        const to = clampPoint(event.at);
        const far = isFar(state.from, to, scene);
        if (event.type === "up" && !far)
          return [{ name: "anchored", from: state.from, to }, [{ type: "points", count: 1 }]];
        return event.type === "up"
          ? done(state.from, to, scene)
          : [far ? { name: "dragging", from: state.from, to } : state, []];
      }
      case "dragging": {
        if (event.type === "interrupt") return [idle, []];
        if (event.type === "move") return [{ ...state, to: clampPoint(event.at) }, []];
        return event.type === "up" ? done(state.from, clampPoint(event.at), scene) : [state, []];
      }
      case "anchored":
        if (event.type === "move") return [{ ...state, to: clampPoint(event.at) }, []];
        if (event.type === "back") return [idle, [{ type: "points", count: 0 }]];
        if (event.type === "finish") return done(state.from, state.to, scene);
        return event.type === "down"
          ? [{ ...state, name: "closing", to: clampPoint(event.at) }, []]
          : [state, []];
      case "closing":
        if (event.type === "interrupt") return [{ ...state, name: "anchored" }, []];
        if (event.type === "move") return [{ ...state, to: clampPoint(event.at) }, []];
        return event.type === "up" ? done(state.from, clampPoint(event.at), scene) : [state, []];
    }
  },

  sketch(state, scene) {
    if (state.name === "idle" || state.name === "pressed") return {};
    const points = state.name === "dragging" ? undefined : [state.from];
    return { box: boxBetween(state.from, state.to, scene.size), ...(points && { points }) };
  },
};

function done(from: Point, to: Point, scene: Scene): Step<State> {
  // A line, also one along the border of the image, is no box.
  const box = boxOf(around([from, to]));
  return isFar(from, to, scene) && isSound(box, scene.size)
    ? [idle, [{ type: "add", geometry: box }]]
    : [idle, [{ type: "refuse", why: "tooSmall" }]];
}

/** Nearer is a slip of the hand; a third of what counts as the same place is enough for a small box. */
function isFar(a: Point, b: Point, { reach, size }: Scene): boolean {
  return distance(a, b, size) > reach / 3;
}
