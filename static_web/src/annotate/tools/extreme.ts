import {
  around,
  boxBetween,
  boxOf,
  clampPoint,
  isSound,
  type Box,
  type Point,
  type Size,
} from "../geometry";
import type { Step, Tool } from "./tool";

type State =
  | { name: "idle" }
  | { name: "placing"; points: readonly Point[]; to: Point | null }
  /** The button is down; the point is set where it is released. */
  | { name: "pressed"; points: readonly Point[]; to: Point };

const idle: State = { name: "idle" };
const POINTS = 4;

/** A box by its four outermost points, clicked in any order: faster than guessing a corner. */
export const extremeTool: Tool<State> = {
  idle,

  step(state, event, scene): Step<State> {
    if (event.type === "cancel") return [idle, []];
    const points = state.name === "idle" ? [] : state.points;
    if (event.type === "down") return [{ name: "pressed", points, to: clampPoint(event.at) }, []];
    switch (state.name) {
      case "idle":
        return [state, []];
      case "placing":
        if (event.type === "move") return [{ ...state, to: clampPoint(event.at) }, []];
        if (event.type === "finish") return [state, [{ type: "refuse", why: "needsFourPoints" }]];
        return event.type === "back" ? placing(points.slice(0, -1), state.to) : [state, []];
      case "pressed": {
        if (event.type === "move") return [{ ...state, to: clampPoint(event.at) }, []];
        if (event.type === "interrupt") return placing(points, null, false);
        if (event.type !== "up") return [state, []];
        const all = [...points, clampPoint(event.at)];
        if (all.length < POINTS) return placing(all, null);
        const box = boxOf(around(all));
        return isSound(box, scene.size)
          ? [idle, [{ type: "add", geometry: box }]]
          : [idle, [{ type: "refuse", why: "tooSmall" }]];
      }
    }
  },

  again: (state) => [{ type: "points", count: state.name === "idle" ? 0 : state.points.length }],

  sketch(state, scene) {
    if (state.name === "idle") return {};
    const points = state.to ? [...state.points, state.to] : state.points;
    return {
      points: state.name === "pressed" ? points : state.points,
      ...(points.length > 1 && { box: about(points, scene.size) }),
    };
  },
};

function placing(points: readonly Point[], to: Point | null, said = true): Step<State> {
  return [
    points.length ? { name: "placing", points, to } : idle,
    said ? [{ type: "points", count: points.length }] : [],
  ];
}

function about(points: readonly Point[], size: Size): Box {
  const { x0, y0, x1, y1 } = around(points);
  return boxBetween([x0, y0], [x1, y1], size);
}
