import type { Annotation } from "@/api/types";
import type { Box, Point, Polygon, Ring } from "@/annotate/geometry";
import type { Effect, Press, Scene, Tool, ToolEvent } from "@/annotate/tools/tool";

export const SIZE = { width: 1000, height: 1000 };

/** 1,000 x 1,000 pixels, so that 0.001 is a pixel; ten pixels count as near. */
export function aScene(annotations: Annotation[] = [], change: Partial<Scene> = {}): Scene {
  return {
    size: SIZE,
    annotations,
    selection: [],
    locked: new Set(),
    reach: 10,
    stamp: { width: 100, height: 50 },
    proposal: null,
    ...change,
  };
}

export function aBox(id: string, x0: number, y0: number, x1: number, y1: number): Annotation {
  return annotation(id, { kind: "box", x0, y0, x1, y1 });
}

export function aPolygon(id: string, outer: Ring, holes: Ring[] = []): Annotation {
  return annotation(id, { kind: "polygon", parts: [{ outer, holes }] });
}

export function annotation(id: string, geometry: Box | Polygon): Annotation {
  return { annotation_id: id, class_id: "c1", frame: 0, geometry, attributes: {}, origin: null };
}

export function rect(x0: number, y0: number, x1: number, y1: number): Ring {
  return [
    [x0, y0],
    [x1, y0],
    [x1, y1],
    [x0, y1],
  ];
}

type Keys = Partial<Pick<Press, "shift" | "alt" | "mod" | "pen" | "time">>;

function press(type: Press["type"], at: Point, keys: Keys = {}): Press {
  return { type, at, shift: false, alt: false, mod: false, pen: false, time: 0, ...keys };
}

export const down = (x: number, y: number, keys?: Keys): Press => press("down", [x, y], keys);
export const move = (x: number, y: number, keys?: Keys): Press => press("move", [x, y], keys);
export const up = (x: number, y: number, keys?: Keys): Press => press("up", [x, y], keys);

let clock = 0;

/** A click, a second after the last one. */
export function click(x: number, y: number, keys: Keys = {}): ToolEvent[] {
  clock += 1000;
  return [down(x, y, { time: clock, ...keys }), up(x, y, { time: clock + 50, ...keys })];
}

export function drag(from: Point, to: Point, keys?: Keys): ToolEvent[] {
  const middle: Point = [(from[0] + to[0]) / 2, (from[1] + to[1]) / 2];
  return [down(...from, keys), move(...middle, keys), move(...to, keys), up(...to, keys)];
}

export interface Played<State> {
  /** The names of the states gone through, each once in a row. */
  path: string[];
  effects: Effect[];
  state: State;
}

/** Plays events to a tool, as a hand would. */
export function play<State extends { name: string }>(
  tool: Tool<State>,
  scene: Scene,
  events: readonly (ToolEvent | ToolEvent[])[],
  from: State = tool.idle,
): Played<State> {
  let state = from;
  const path: string[] = [];
  const effects: Effect[] = [];
  for (const event of events.flat()) {
    const [next, asked] = tool.step(state, event, scene);
    state = next;
    if (path.at(-1) !== next.name) path.push(next.name);
    effects.push(...asked);
  }
  return { path, effects, state };
}

/** The effects that change something. */
export function changes(effects: readonly Effect[]): Effect[] {
  return effects.filter((effect) => effect.type === "add" || effect.type === "replace");
}
