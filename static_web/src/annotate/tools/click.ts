import { clampPoint, contains, type Point } from "../geometry";
import type { Click, Proposal, Scene, Step, Tool } from "./tool";

type State =
  | { name: "idle" }
  /** Clicks so far; what they outline comes from elsewhere, as the scene's proposal. */
  | { name: "asking"; clicks: readonly Click[] }
  | { name: "pressed"; clicks: readonly Click[]; at: Point };

const idle: State = { name: "idle" };

/**
 * The outline of what is clicked at. A click beside what is proposed asks for more, one within it for less; Shift and
 * Alt say which, wherever it is. Nothing is drawn until it is taken.
 */
export const clickTool: Tool<State> = {
  idle,

  step(state, event, scene): Step<State> {
    const clicks = state.name === "idle" ? [] : state.clicks;
    switch (event.type) {
      case "cancel":
        return [idle, clicks.length ? [{ type: "ask", clicks: [] }] : []];
      case "interrupt":
        return [state.name === "pressed" ? resting(clicks) : state, []];
      case "down":
        return [{ name: "pressed", clicks, at: clampPoint(event.at) }, []];
      case "move":
        return [state.name === "pressed" ? { ...state, at: clampPoint(event.at) } : state, []];
      case "up": {
        if (state.name !== "pressed") return [state, []];
        const at = clampPoint(event.at);
        const isInside =
          event.shift || !clicks.length || !(event.alt || isWithin(at, clicks, scene));
        return asking([...clicks, { at, isInside }]);
      }
      case "back":
        return state.name === "asking" ? asking(clicks.slice(0, -1)) : [state, []];
      case "finish": {
        if (state.name !== "asking") return [state, []];
        const proposal = proposed(clicks, scene);
        if (proposal?.clicks !== clicks)
          return [state, [{ type: "refuse", why: "notOutlinedYet" }]];
        if (!proposal.shape) return [state, [{ type: "refuse", why: "nothingOutlined" }]];
        return [
          idle,
          [
            { type: "add", geometry: proposal.shape },
            { type: "ask", clicks: [] },
          ],
        ];
      }
      default:
        return [state, []];
    }
  },

  again: (state) => (state.name === "idle" ? [] : asking(state.clicks)[1]),

  sketch(state, scene) {
    if (state.name === "idle") return {};
    const { area, shape } = proposed(state.clicks, scene) ?? { area: null, shape: null };
    const outside = state.clicks.filter((one) => !one.isInside);
    return {
      ...(area && { area }),
      ...(shape?.kind === "box" && { box: shape }),
      points: state.clicks.filter((one) => one.isInside).map((one) => one.at),
      outside: outside.map((one) => one.at),
    };
  },
};

/** What was last outlined of these clicks, or of the first ones; not of others before. */
function proposed(clicks: readonly Click[], { proposal }: Scene): Proposal | null {
  return proposal && proposal.clicks[0] === clicks[0] ? proposal : null;
}

function isWithin(at: Point, clicks: readonly Click[], scene: Scene): boolean {
  const area = proposed(clicks, scene)?.area;
  return Boolean(area && contains(area, at));
}

function resting(clicks: readonly Click[]): State {
  return clicks.length ? { name: "asking", clicks } : idle;
}

function asking(clicks: readonly Click[]): Step<State> {
  return [
    resting(clicks),
    [
      { type: "ask", clicks },
      { type: "points", count: clicks.length },
    ],
  ];
}
