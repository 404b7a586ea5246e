import { boxAbout, type Point } from "../geometry";
import type { Step, Tool } from "./tool";

type State =
  | { name: "idle" }
  /** The box to be hangs at the pointer. */
  | { name: "hovering"; at: Point }
  | { name: "pressed"; at: Point };

const idle: State = { name: "idle" };

/** Stamps boxes of the size of the last one, centred where they are clicked. */
export const templateTool: Tool<State> = {
  idle,

  step(state, event, scene): Step<State> {
    switch (event.type) {
      case "cancel":
      case "interrupt":
        return [idle, []];
      case "down":
        return [{ name: "pressed", at: event.at }, []];
      case "move":
        return [{ name: state.name === "pressed" ? "pressed" : "hovering", at: event.at }, []];
      case "up":
        return state.name === "pressed"
          ? [
              { name: "hovering", at: event.at },
              [{ type: "add", geometry: boxAbout(event.at, scene.stamp, scene.size) }],
            ]
          : [state, []];
      default:
        return [state, []];
    }
  },

  sketch(state, scene) {
    return state.name === "idle" ? {} : { box: boxAbout(state.at, scene.stamp, scene.size) };
  },
};
