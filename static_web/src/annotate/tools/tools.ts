/** All tools by name, and a machine that runs one. */
import { cornersOf } from "../geometry";
import { boxTool } from "./box";
import { clickTool } from "./click";
import { extremeTool } from "./extreme";
import { outlineTool } from "./outline";
import { selectTool } from "./select";
import { splitTool } from "./split";
import { templateTool } from "./template";
import type { Draft, Effect, Scene, Sketch, Tool, ToolEvent } from "./tool";

const makers = {
  /** Select, move, pull sides and points. */
  select: () => machine(selectTool({ points: false })),
  /** The same, and add and remove points of polygons. */
  points: () => machine(selectTool({ points: true })),
  box: () => machine(boxTool),
  /** A polygon of four corners by the ways of a box. */
  rectangle: () => machine(asPolygon(boxTool)),
  extreme: () => machine(extremeTool),
  template: () => machine(templateTool),
  polygon: () => machine(outlineTool("new")),
  /** A polygon by one drag, also with a finger. */
  freehand: () => machine(outlineTool("new", true)),
  add: () => machine(outlineTool("add")),
  cut: () => machine(outlineTool("cut")),
  split: () => machine(splitTool),
  /** The outline of what is clicked at, as somebody else proposes it. */
  click: () => machine(clickTool),
  /** Only looks: a drag moves the view. */
  pan: () => machine(nothing),
};

export type ToolId = keyof typeof makers;

/** Those that draw something where there was nothing; the others are about what is there. */
export const DRAWING: ReadonlySet<ToolId> = new Set([
  "box",
  "rectangle",
  "extreme",
  "template",
  "polygon",
  "freehand",
  "add",
  "cut",
  "split",
  "click",
]);

/** Those that change a shape that is there. */
export const CHANGING: ReadonlySet<ToolId> = new Set(["points", "add", "cut", "split"]);

const nothing: Tool<{ name: "idle" }> = {
  idle: { name: "idle" },
  step: (state) => [state, []],
  sketch: () => ({}),
};

/** The same tool, but what it draws is a polygon. */
function asPolygon<State extends { name: string }>(tool: Tool<State>): Tool<State> {
  return {
    ...tool,
    step(state, event, scene) {
      const [next, effects] = tool.step(state, event, scene);
      return [
        next,
        effects.map((effect) =>
          effect.type === "add" && effect.geometry.kind === "box"
            ? { ...effect, geometry: cornersOf(effect.geometry) }
            : effect,
        ),
      ];
    },
  };
}

/** A tool in one of its states. */
export interface Machine {
  send(event: ToolEvent, scene: Scene): Effect[];
  sketch(scene: Scene): Sketch;
  state(): string;
  /** Something was begun that `cancel` would throw away. */
  isDrafting(): boolean;
  /** The outline so far, by the same points as long as none is set or taken back. */
  draft(): Draft | null;
  /** Goes on with an outline; not every tool can. */
  resume(draft: Draft): void;
}

function machine<State extends { name: string }>(tool: Tool<State>): Machine {
  let state = tool.idle;
  /** What there was before each of the last points was taken back. */
  let taken: State[] = [];
  return {
    send(event, scene) {
      if (event.type === "undo") {
        const before = taken.pop();
        if (before) {
          state = before;
          return tool.again?.(before) ?? [];
        }
      }
      const [next, effects] = tool.step(
        state,
        event.type === "undo" ? { type: "back" } : event,
        scene,
      );
      if (event.type === "back") taken.push(state);
      else if (event.type !== "move") taken = [];
      state = next;
      return effects;
    },
    sketch: (scene) => tool.sketch(state, scene),
    state: () => state.name,
    isDrafting: () => state.name !== "idle" && state.name !== "hovering",
    draft: () => tool.draft?.(state) ?? null,
    resume(draft) {
      if (tool.resumed) state = tool.resumed(draft);
    },
  };
}

export function newMachine(id: ToolId): Machine {
  return makers[id]();
}
