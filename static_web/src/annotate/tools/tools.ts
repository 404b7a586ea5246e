/** All tools by name, and a machine that runs one. */
import { boxTool } from "./box";
import { extremeTool } from "./extreme";
import { outlineTool } from "./outline";
import { selectTool } from "./select";
import { splitTool } from "./split";
import { templateTool } from "./template";
import type { Effect, Scene, Sketch, Tool, ToolEvent } from "./tool";

const makers = {
  /** Select, move, pull sides and points. */
  select: () => machine(selectTool({ points: false })),
  /** The same, and add and remove points of polygons. */
  points: () => machine(selectTool({ points: true })),
  box: () => machine(boxTool),
  extreme: () => machine(extremeTool),
  template: () => machine(templateTool),
  polygon: () => machine(outlineTool("new")),
  /** A polygon by one drag, also with a finger. */
  freehand: () => machine(outlineTool("new", true)),
  add: () => machine(outlineTool("add")),
  cut: () => machine(outlineTool("cut")),
  split: () => machine(splitTool),
  /** Only looks: a drag moves the view. */
  pan: () => machine(nothing),
};

export type ToolId = keyof typeof makers;

/** Those that draw something where there was nothing; the others are about what is there. */
export const DRAWING: ReadonlySet<ToolId> = new Set([
  "box",
  "extreme",
  "template",
  "polygon",
  "freehand",
  "add",
  "cut",
  "split",
]);

const nothing: Tool<{ name: "idle" }> = {
  idle: { name: "idle" },
  step: (state) => [state, []],
  sketch: () => ({}),
};

/** A tool in one of its states. */
export interface Machine {
  send(event: ToolEvent, scene: Scene): Effect[];
  sketch(scene: Scene): Sketch;
  state(): string;
  /** Something was begun that `cancel` would throw away. */
  isDrafting(): boolean;
}

function machine<State extends { name: string }>(tool: Tool<State>): Machine {
  let state = tool.idle;
  return {
    send(event, scene) {
      const [next, effects] = tool.step(state, event, scene);
      state = next;
      return effects;
    },
    sketch: (scene) => tool.sketch(state, scene),
    state: () => state.name,
    isDrafting: () => state.name !== "idle" && state.name !== "hovering",
  };
}

export function newMachine(id: ToolId): Machine {
  return makers[id]();
}
