import fc from "fast-check";
import { describe, expect, it } from "vitest";

import {
  areaOf,
  boundsOf,
  boxBetween,
  isSound,
  polygonOf,
  shapeOf,
  type Shape,
} from "@/annotate/geometry";
import { boxTool } from "@/annotate/tools/box";
import { clickTool } from "@/annotate/tools/click";
import { extremeTool } from "@/annotate/tools/extreme";
import { outlineTool } from "@/annotate/tools/outline";
import { selectTool } from "@/annotate/tools/select";
import { splitTool } from "@/annotate/tools/split";
import { templateTool } from "@/annotate/tools/template";
import type { Click, Effect, Scene, Tool, ToolEvent } from "@/annotate/tools/tool";

import {
  aBox,
  annotation,
  aPolygon,
  aScene,
  changes,
  click,
  down,
  drag,
  move,
  play,
  rect,
  SIZE,
  up,
} from "./play";

const polygonTool = outlineTool("new");
const select = selectTool({ points: false });
const points = selectTool({ points: true });

/** The one shape that an effect leaves. */
function shapeIn(effect: Effect | undefined): Shape | null {
  if (effect?.type === "add") return effect.geometry;
  const geometry = effect?.type === "replace" ? [...effect.shapes.values()][0]?.[0] : undefined;
  return geometry ? shapeOf({ ...aBox("x", 0, 0, 1, 1), geometry }) : null;
}

describe("drawing a box", () => {
  const wanted = { kind: "box", x0: 0.2, y0: 0.3, x1: 0.5, y1: 0.6 };

  it("goes from corner to corner by dragging, in any direction", () => {
    const { path, effects } = play(boxTool, aScene(), drag([0.5, 0.6], [0.2, 0.3]));
    expect(path).toEqual(["pressed", "dragging", "idle"]);
    expect(effects).toEqual([{ type: "add", geometry: wanted }]);
  });

  it("goes by two clicks as well", () => {
    const { path, effects } = play(boxTool, aScene(), [
      click(0.2, 0.3),
      move(0.4, 0.4),
      click(0.5, 0.6),
    ]);
    expect(path).toEqual(["pressed", "anchored", "closing", "idle"]);
    expect(changes(effects)).toEqual([{ type: "add", geometry: wanted }]);
  });

  it("ends at the border of the image", () => {
    const { effects } = play(boxTool, aScene(), drag([0.9, 0.9], [1.4, 2]));
    expect(shapeIn(effects[0])).toMatchObject({ x1: 1, y1: 1 });
  });

  it("of no size is none", () => {
    const { path, effects } = play(boxTool, aScene(), [click(0.2, 0.3), click(0.2, 0.3)]);
    expect(path.at(-1)).toBe("idle");
    expect(effects.at(-1)).toEqual({ type: "refuse", why: "tooSmall" });
    for (const line of [drag([0.2, 0.3], [0.8, 0.3]), drag([0.2, -0.3], [0.8, -0.1])])
      expect(play(boxTool, aScene(), line).effects).toEqual([{ type: "refuse", why: "tooSmall" }]);
  });

  it("keeps the first corner when a second finger takes the press away", () => {
    const { state } = play(boxTool, aScene(), [
      click(0.2, 0.3),
      down(0.5, 0.5),
      { type: "interrupt" },
    ]);
    expect(state).toMatchObject({ name: "anchored", from: [0.2, 0.3] });
    expect(play(boxTool, aScene(), [down(0.2, 0.3), { type: "interrupt" }]).path.at(-1)).toBe(
      "idle",
    );
  });

  it("takes the corner back by Backspace", () => {
    expect(play(boxTool, aScene(), [click(0.2, 0.3), { type: "back" }]).path.at(-1)).toBe("idle");
  });
});

describe("outlining by clicks", () => {
  const area = polygonOf(rect(0.2, 0.2, 0.6, 0.6));
  const first = play(clickTool, aScene(), click(0.4, 0.4));
  const clicks = (effects: readonly Effect[]): readonly Click[] =>
    effects.findLast((one) => one.type === "ask")?.clicks ?? [];
  const scene = aScene([], { proposal: { clicks: clicks(first.effects), area, shape: area } });

  it("asks what a click is about, and draws nothing by itself", () => {
    expect(first.state.name).toBe("asking");
    expect(clicks(first.effects)).toEqual([{ at: [0.4, 0.4], isInside: true }]);
    expect(changes(first.effects)).toEqual([]);
    expect(clickTool.sketch(first.state, scene)).toMatchObject({ area, points: [[0.4, 0.4]] });
  });

  it("asks for more beside what is proposed, and for less within it", () => {
    const beside = play(clickTool, scene, click(0.8, 0.8), first.state);
    expect(clicks(beside.effects).at(-1)).toEqual({ at: [0.8, 0.8], isInside: true });
    const within = play(clickTool, scene, click(0.5, 0.5), first.state);
    expect(clicks(within.effects).at(-1)).toEqual({ at: [0.5, 0.5], isInside: false });
    expect(clickTool.sketch(within.state, scene)).toMatchObject({ outside: [[0.5, 0.5]] });
  });

  it("does as Shift and Alt say, wherever the click is", () => {
    const more = play(clickTool, scene, click(0.5, 0.5, { shift: true }), first.state);
    expect(clicks(more.effects).at(-1)?.isInside).toBe(true);
    const less = play(clickTool, scene, click(0.8, 0.8, { alt: true }), first.state);
    expect(clicks(less.effects).at(-1)?.isInside).toBe(false);
  });

  it("draws what is proposed once it is taken, and forgets it", () => {
    const { state, effects } = play(clickTool, scene, [{ type: "finish" }], first.state);
    expect(state.name).toBe("idle");
    expect(effects).toEqual([
      { type: "add", geometry: area },
      { type: "ask", clicks: [] },
    ]);
  });

  it("draws the box about it where boxes are drawn", () => {
    const shape = boxBetween([0.2, 0.2], [0.6, 0.6], SIZE);
    const boxes = aScene([], { proposal: { clicks: clicks(first.effects), area, shape } });
    expect(clickTool.sketch(first.state, boxes)).toMatchObject({ area, box: shape });
    const { effects } = play(clickTool, boxes, [{ type: "finish" }], first.state);
    expect(effects[0]).toEqual({ type: "add", geometry: shape });
  });

  it("takes neither what is not there yet nor what is of other clicks", () => {
    const why = (on: Scene) =>
      play(clickTool, on, [{ type: "finish" }], first.state).effects.at(-1);
    expect(why(aScene())).toEqual({ type: "refuse", why: "notOutlinedYet" });
    const others = aScene([], {
      proposal: { clicks: [{ at: [0.4, 0.4], isInside: true }], area, shape: area },
    });
    expect(why(others)).toEqual({ type: "refuse", why: "notOutlinedYet" });
    expect(clickTool.sketch(first.state, others)).not.toHaveProperty("area");
    const nothing = aScene([], {
      proposal: { clicks: clicks(first.effects), area: null, shape: null },
    });
    expect(why(nothing)).toEqual({ type: "refuse", why: "nothingOutlined" });
  });

  it("takes clicks back one by one, and gives all up by Esc", () => {
    const two = play(clickTool, scene, click(0.8, 0.8), first.state).state;
    const back = play(clickTool, scene, [{ type: "back" }], two);
    expect(clicks(back.effects)).toEqual(clicks(first.effects));
    expect(play(clickTool, scene, [{ type: "back" }], back.state).state.name).toBe("idle");
    expect(clickTool.step(two, { type: "cancel" }, scene)).toEqual([
      { name: "idle" },
      [{ type: "ask", clicks: [] }],
    ]);
  });

  it("loses only the press in hand to a second finger", () => {
    const pressed = play(clickTool, scene, [down(0.8, 0.8)], first.state).state;
    const { state, effects } = play(clickTool, scene, [{ type: "interrupt" }], pressed);
    expect(state).toEqual(first.state);
    expect(effects).toEqual([]);
  });
});

describe("a box by its four outermost points", () => {
  const clicks = [click(0.5, 0.1), click(0.9, 0.4), click(0.2, 0.7), click(0.6, 0.8)];

  it("takes them in any order", () => {
    for (const order of [clicks, clicks.toReversed()]) {
      const { effects } = play(extremeTool, aScene(), order);
      expect(changes(effects)).toEqual([
        { type: "add", geometry: { kind: "box", x0: 0.2, y0: 0.1, x1: 0.9, y1: 0.8 } },
      ]);
    }
  });

  it("takes points back one by one", () => {
    const { state } = play(extremeTool, aScene(), [...clicks.slice(0, 2), { type: "back" }]);
    expect(state).toMatchObject({ name: "placing", points: [[0.5, 0.1]] });
    expect(extremeTool.step(state, { type: "back" }, aScene())[0].name).toBe("idle");
  });

  it("loses only the point in hand to a second finger", () => {
    const { state } = play(extremeTool, aScene(), [
      clicks[0] ?? [],
      down(0.9, 0.9),
      { type: "interrupt" },
    ]);
    expect(state).toMatchObject({ name: "placing", points: [[0.5, 0.1]] });
  });

  it("on a line is none", () => {
    const { effects } = play(
      extremeTool,
      aScene(),
      [0.1, 0.2, 0.3, 0.4].map((x) => click(x, 0.5)),
    );
    expect(effects.at(-1)).toEqual({ type: "refuse", why: "tooSmall" });
  });
});

describe("a template box", () => {
  it("is stamped about the pointer, and moved into the image where it would leave it", () => {
    const { effects, state } = play(templateTool, aScene(), [
      move(0.5, 0.5),
      click(0.5, 0.5),
      click(0, 1),
    ]);
    expect(changes(effects).map(shapeIn)).toEqual([
      { kind: "box", x0: 0.45, y0: 0.475, x1: 0.55, y1: 0.525 },
      { kind: "box", x0: 0, y0: 0.95, x1: 0.1, y1: 1 },
    ]);
    expect(state.name).toBe("hovering");
  });
});

describe("drawing a polygon", () => {
  const three = [click(0.1, 0.1), click(0.5, 0.1), click(0.5, 0.5)];
  const triangle = {
    kind: "polygon",
    parts: [
      {
        outer: [
          [0.1, 0.1],
          [0.5, 0.1],
          [0.5, 0.5],
        ],
        holes: [],
      },
    ],
  };

  it("closes by Enter", () => {
    const { path, effects } = play(polygonTool, aScene(), [...three, { type: "finish" }]);
    expect(path.filter((name) => name !== "placing" && name !== "pressed")).toEqual(["idle"]);
    expect(changes(effects)).toEqual([{ type: "add", geometry: triangle }]);
  });

  it("closes by a click on its first point", () => {
    const { effects } = play(polygonTool, aScene(), [...three, click(0.105, 0.1)]);
    expect(changes(effects)).toEqual([{ type: "add", geometry: triangle }]);
  });

  it("closes by a double click, without a stray point", () => {
    const { effects } = play(polygonTool, aScene(), [
      ...three.slice(0, 2),
      down(0.5, 0.5, { time: 9e6 }),
      up(0.5, 0.5, { time: 9e6 + 40 }),
      down(0.501, 0.5, { time: 9e6 + 150 }),
    ]);
    expect(changes(effects)).toEqual([{ type: "add", geometry: triangle }]);
  });

  it.each([0.05, 0.006])("takes every fast click for a point, %d of the image apart", (apart) => {
    const { state } = play(
      polygonTool,
      aScene(),
      [0, 1, 2, 3, 4, 5].map((n) => [
        down(0.1 + apart * n, 0.1, { time: n * 30 }),
        up(0.1 + apart * n, 0.1, { time: n * 30 + 10 }),
      ]),
    );
    expect(state).toMatchObject({ points: { length: 6 } });
  });

  it("sets a point where it is released", () => {
    const { state } = play(polygonTool, aScene(), [down(0.1, 0.1), move(0.2, 0.2), up(0.3, 0.3)]);
    expect(state).toMatchObject({ name: "placing", points: [[0.3, 0.3]] });
  });

  it("takes points back one by one", () => {
    const { state, path } = play(polygonTool, aScene(), [...three, { type: "back" }]);
    expect(state).toMatchObject({
      points: [
        [0.1, 0.1],
        [0.5, 0.1],
      ],
    });
    const rest = play(polygonTool, aScene(), [{ type: "back" }, { type: "back" }], state);
    expect([path.at(-1), rest.path.at(-1)]).toEqual(["placing", "idle"]);
  });

  it("stays open with too few points, or on a line", () => {
    const few = play(polygonTool, aScene(), [...three.slice(0, 2), { type: "finish" }]);
    expect(few.effects.at(-1)).toEqual({ type: "refuse", why: "needsThreePoints" });
    expect(few.state.name).toBe("placing");
    const line = [click(0.1, 0.1), click(0.5, 0.5), click(0.9, 0.9)];
    const flat = play(polygonTool, aScene(), [...line, { type: "finish" }]);
    expect(flat.effects.at(-1)).toEqual({ type: "refuse", why: "tooSmall" });
    expect(flat.state.name).toBe("placing");
  });

  it("as an even figure of eight becomes its two halves", () => {
    const eight = [click(0.1, 0.1), click(0.5, 0.5), click(0.5, 0.1), click(0.1, 0.5)];
    const { effects } = play(polygonTool, aScene(), [...eight, { type: "finish" }]);
    const shape = shapeIn(changes(effects)[0]);
    expect(shape?.kind === "polygon" && shape.parts).toHaveLength(2);
  });

  it("loses only the point in hand to a second finger", () => {
    const { state } = play(polygonTool, aScene(), [
      ...three,
      down(0.9, 0.9),
      { type: "interrupt" },
    ]);
    expect(state).toMatchObject({ name: "placing", points: { length: 3 } });
  });

  it("shows where it would cross itself", () => {
    const { state } = play(polygonTool, aScene(), [...three, click(0.3, 0)]);
    expect(polygonTool.sketch(state, aScene()).crossings).toHaveLength(1);
  });

  const circle = Array.from({ length: 200 }, (_, n) => {
    const angle = (n / 200) * 2 * Math.PI;
    return move(0.5 + 0.3 * Math.cos(angle), 0.5 + 0.3 * Math.sin(angle), { shift: true });
  });

  it("by hand closes where it began, with far fewer points than the hand made", () => {
    const { path, effects } = play(polygonTool, aScene(), [
      down(0.8, 0.5, { shift: true }),
      ...circle,
      up(0.8, 0.5),
    ]);
    expect(path).toEqual(["tracing", "idle"]);
    const shape = shapeIn(changes(effects)[0]);
    expect(shape?.kind === "polygon" && shape.parts[0]?.outer.length).toBeLessThan(60);
    expect(shape && areaOf(shape)).toBeCloseTo(Math.PI * 0.09, 2);
  });

  it("goes on by clicks after a piece by hand, and by hand after clicks", () => {
    const { state } = play(polygonTool, aScene(), [
      click(0.8, 0.5),
      down(0.8, 0.5, { shift: true, time: 1e9 }),
      ...circle.slice(0, 100),
      up(0.2, 0.5),
      click(0.5, 0.2),
    ]);
    expect(state.name).toBe("placing");
    const closed = play(polygonTool, aScene(), [{ type: "finish" }], state);
    expect(changes(closed.effects)).toHaveLength(1);
  });

  it("is drawn by hand with a pen, without a key", () => {
    expect(play(polygonTool, aScene(), [down(0.1, 0.1, { pen: true })]).path).toEqual(["tracing"]);
  });
});

describe("changing a polygon by drawing", () => {
  const one = aPolygon("one", rect(0.2, 0.2, 0.8, 0.8));
  const scene = aScene([one], { selection: ["one"] });
  const outline = (x0: number, y0: number, x1: number, y1: number, keys = {}) => [
    ...rect(x0, y0, x1, y1).map(([x, y]) => click(x, y, keys)),
    { type: "finish" } as const,
  ];
  const result = (effects: Effect[]) => shapeIn(changes(effects)[0]);

  it("within it with Alt cuts a hole", () => {
    const shape = result(
      play(polygonTool, scene, outline(0.4, 0.4, 0.6, 0.6, { alt: true })).effects,
    );
    expect(shape?.kind === "polygon" && shape.parts[0]?.holes).toHaveLength(1);
    expect(shape && areaOf(shape)).toBeCloseTo(0.36 - 0.04, 6);
  });

  it("elsewhere with Ctrl adds a part, overlapping it makes one shape", () => {
    const apart = result(
      play(polygonTool, scene, outline(0.85, 0.85, 0.95, 0.95, { mod: true })).effects,
    );
    expect(apart?.kind === "polygon" && apart.parts).toHaveLength(2);
    const over = result(play(outlineTool("add"), scene, outline(0.7, 0.7, 0.9, 0.9)).effects);
    expect(over?.kind === "polygon" && over.parts).toHaveLength(1);
    expect(over && areaOf(over)).toBeCloseTo(0.36 + 0.04 - 0.01, 6);
  });

  it("cuts what it was begun in when nothing is selected", () => {
    const loose = aScene([one]);
    expect(
      result(play(outlineTool("cut"), loose, outline(0.4, 0.4, 0.6, 0.6)).effects),
    ).not.toBeNull();
    const missed = play(outlineTool("cut"), loose, outline(0.01, 0.01, 0.1, 0.1));
    expect(missed.effects.at(-1)).toEqual({ type: "refuse", why: "nothingToCut" });
    expect(missed.state.name).toBe("placing");
  });

  it("leaves a locked polygon alone, and never nothing", () => {
    const locked = { ...scene, locked: new Set(["one"]) };
    expect(play(outlineTool("cut"), locked, outline(0.4, 0.4, 0.6, 0.6)).effects.at(-1)).toEqual({
      type: "refuse",
      why: "locked",
    });
    expect(play(outlineTool("cut"), scene, outline(0.1, 0.1, 0.9, 0.9)).effects.at(-1)).toEqual({
      type: "refuse",
      why: "nothingLeft",
    });
  });

  it("splits it by a line dragged or clicked", () => {
    for (const line of [drag([0.1, 0.5], [0.9, 0.5]), [...click(0.1, 0.5), ...click(0.9, 0.5)]]) {
      const [change] = changes(play(splitTool, scene, line).effects);
      expect(change?.type === "replace" && change.shapes.get("one")).toHaveLength(2);
    }
    expect(play(splitTool, scene, drag([0.1, 0.1], [0.9, 0.1])).effects).toEqual([
      { type: "refuse", why: "notCrossed" },
    ]);
  });
});

describe("selecting", () => {
  const stack = [
    aBox("large", 0.1, 0.1, 0.9, 0.9),
    aBox("small", 0.4, 0.4, 0.6, 0.6),
    aBox("middle", 0.2, 0.2, 0.8, 0.8),
  ];

  it("takes the smallest, then walks the stack by clicks at the same place", () => {
    let scene = aScene(stack);
    let state = select.idle;
    const chosen: (readonly string[])[] = [];
    for (let n = 0; n < 4; n++) {
      const played = play(select, scene, click(0.5, 0.5), state);
      state = played.state;
      for (const effect of played.effects)
        if (effect.type === "select") scene = { ...scene, selection: effect.ids };
      chosen.push(scene.selection);
    }
    expect(chosen).toEqual([["small"], ["middle"], ["large"], ["small"]]);
  });

  it("adds and takes away with Shift, and lets go on empty ground", () => {
    const scene = aScene(stack, { selection: ["large"] });
    expect(
      play(select, { ...scene, selection: ["small"] }, click(0.3, 0.3, { shift: true })).effects,
    ).toEqual([{ type: "select", ids: ["small", "middle"] }]);
    expect(play(select, scene, click(0.15, 0.5, { shift: true })).effects).toEqual([
      { type: "select", ids: [] },
    ]);
    expect(play(select, scene, click(0.02, 0.02)).effects).toEqual([{ type: "select", ids: [] }]);
  });

  it("frames several on empty ground", () => {
    const { path, effects } = play(select, aScene(stack), drag([0.15, 0.05], [0.95, 0.95]));
    expect(path).toEqual(["pressed", "framing", "idle"]);
    expect(effects.at(-1)).toEqual({ type: "select", ids: ["small", "middle"] });
  });

  it("moves all that is selected by one change, not beyond the border, at its size", () => {
    const scene = aScene(stack, { selection: ["small", "middle"] });
    const { path, effects } = play(select, scene, drag([0.5, 0.5], [0.95, 0.5]));
    expect(path).toEqual(["pressed", "moving", "idle"]);
    expect(changes(effects)).toHaveLength(1);
    const [change] = changes(effects);
    const shapes = change?.type === "replace" ? change.shapes : new Map<string, Shape[]>();
    expect(shapes.get("middle")?.[0]).toMatchObject({
      x0: expect.closeTo(0.4, 9) as number,
      x1: 1,
    });
    expect(shapes.get("small")?.[0]).toMatchObject({ x0: expect.closeTo(0.6, 9) as number });
  });

  it("pulls a box by corners and edges", () => {
    const scene = aScene(stack, { selection: ["small"] });
    const corner = play(select, scene, drag([0.6, 0.6], [0.7, 0.65]));
    expect(corner.path).toEqual(["pressed", "resizing", "idle"]);
    expect(shapeIn(corner.effects[0])).toMatchObject({
      x0: 0.4,
      y0: 0.4,
      x1: expect.closeTo(0.7, 9) as number,
      y1: expect.closeTo(0.65, 9) as number,
    });
    const edge = play(select, scene, drag([0.4, 0.45], [0.3, 0.9]));
    expect(shapeIn(edge.effects[0])).toMatchObject({
      x0: expect.closeTo(0.3, 9) as number,
      y0: 0.4,
      y1: 0.6,
    });
  });

  it("turns a box over that is pulled beyond its other side", () => {
    const scene = aScene(stack, { selection: ["small"] });
    expect(shapeIn(play(select, scene, drag([0.4, 0.5], [0.8, 0.5])).effects[0])).toMatchObject({
      x0: 0.6,
      x1: expect.closeTo(0.8, 9) as number,
    });
  });

  it("changes nothing of what is locked, but what is new", () => {
    const scene = aScene(stack, { selection: ["small"], locked: new Set(["small"]) });
    expect(play(select, scene, drag([0.6, 0.6], [0.9, 0.9])).effects).toEqual([
      { type: "refuse", why: "locked" },
    ]);
    const free = { ...scene, selection: ["middle"] };
    expect(changes(play(select, free, drag([0.8, 0.8], [0.9, 0.9])).effects)).toHaveLength(1);
  });

  it("changes nothing when the drag is taken away or given up", () => {
    const scene = aScene(stack, { selection: ["small"] });
    for (const end of ["interrupt", "cancel"] as const) {
      const { path, effects } = play(select, scene, [
        down(0.5, 0.5),
        move(0.7, 0.7),
        { type: end },
        up(0.7, 0.7),
      ]);
      expect(path.at(-1)).toBe("idle");
      expect(changes(effects)).toEqual([]);
    }
  });
});

describe("editing points", () => {
  const one = aPolygon("one", rect(0.2, 0.2, 0.8, 0.8), [rect(0.4, 0.4, 0.6, 0.6)]);
  const scene = aScene([one], { selection: ["one"] });
  const outer = (effect: Effect | undefined) => {
    const shape = shapeIn(effect);
    return shape?.kind === "polygon" ? shape.parts[0]?.outer : undefined;
  };

  it("pulls a point, of a hole too", () => {
    const { path, effects } = play(select, scene, drag([0.8, 0.8], [0.9, 0.95]));
    expect(path).toEqual(["pressed", "pulling", "idle"]);
    expect(outer(effects[0])?.[2]).toEqual([expect.closeTo(0.9, 9), expect.closeTo(0.95, 9)]);
    const hole = shapeIn(play(points, scene, drag([0.4, 0.4], [0.45, 0.45])).effects[0]);
    expect(hole?.kind === "polygon" && hole.parts[0]?.holes[0]?.[0]?.[0]).toBeCloseTo(0.45, 9);
  });

  it("adds one by a click on an edge, or a drag from it", () => {
    expect(outer(play(points, scene, click(0.5, 0.203)).effects[0])).toHaveLength(5);
    const dragged = outer(play(points, scene, drag([0.5, 0.2], [0.5, 0.1])).effects[0]);
    expect(dragged?.[1]).toEqual([0.5, 0.1]);
  });

  it("removes one by Alt and a click, or by Delete once it was clicked", () => {
    expect(outer(play(points, scene, click(0.8, 0.8, { alt: true })).effects[0])).toHaveLength(3);
    const chosen = play(points, scene, click(0.8, 0.8));
    expect(chosen.effects).toEqual([]);
    const removed = play(points, scene, [{ type: "remove" }], chosen.state);
    expect(outer(removed.effects[0])).toHaveLength(3);
  });

  it("nudges the point that was clicked", () => {
    const chosen = play(points, scene, click(0.8, 0.8));
    const nudged = play(points, scene, [{ type: "nudge", by: [0.001, -0.001] }], chosen.state);
    expect(outer(nudged.effects[0])?.[2]).toEqual([0.801, 0.799]);
  });

  /** What is seen and done of the point in hand: its mark, Delete and an arrow. */
  const inHand = (state: typeof points.idle, now: Scene) => [
    points.sketch(state, now).points ?? [],
    points.step(state, { type: "remove" }, now)[1],
    points.step(state, { type: "nudge", by: [0.001, 0] }, now)[1],
  ];

  it("lets the point go when its shape is no longer the one that is selected", () => {
    const two = aScene([one, aPolygon("two", rect(0.1, 0.1, 0.9, 0.9))], { selection: ["one"] });
    const { state } = play(points, two, click(0.8, 0.8));
    expect(inHand(state, two).map((all) => all.length)).toEqual([1, 1, 1]);
    for (const selection of [["two"], ["one", "two"], []])
      expect(inHand(state, { ...two, selection })).toEqual([[], [], []]);
  });

  it("lets the point go when its shape becomes another, as by undo", () => {
    for (const add of [click(0.5, 0.203), drag([0.5, 0.2], [0.5, 0.1])]) {
      const { state, effects } = play(points, scene, add);
      const grown = shapeIn(effects[0]);
      const added = { ...scene, annotations: grown ? [{ ...one, geometry: grown }] : [] };
      expect(inHand(state, added).map((all) => all.length)).toEqual([1, 1, 1]);
      expect(inHand(state, scene)).toEqual([[], [], []]);
    }
  });

  it("keeps the point while it is nudged again and again, then removes it", () => {
    let now = scene;
    let { state } = play(points, scene, click(0.8, 0.8));
    const nudge: ToolEvent = { type: "nudge", by: [0.001, 0] };
    for (const event of [nudge, nudge, { type: "remove" } as const]) {
      const [next, effects] = points.step(state, event, now);
      const geometry = shapeIn(effects[0]);
      state = next;
      now = { ...now, annotations: geometry ? [{ ...one, geometry }] : [] };
      if (event === nudge) expect(points.sketch(state, now).points).toHaveLength(1);
    }
    expect(now.annotations[0]?.geometry).toMatchObject({ parts: [{ outer: { length: 3 } }] });
  });

  it("leaves a triangle its last three points", () => {
    const triangle = aScene(
      [
        aPolygon("t", [
          [0.1, 0.1],
          [0.5, 0.1],
          [0.5, 0.5],
        ]),
      ],
      { selection: ["t"] },
    );
    expect(play(points, triangle, click(0.5, 0.5, { alt: true })).effects).toEqual([
      { type: "refuse", why: "needsThreePoints" },
    ]);
  });

  it("refuses to pull a polygon flat", () => {
    const triangle = aScene(
      [
        aPolygon("t", [
          [0.1, 0.1],
          [0.5, 0.1],
          [0.5, 0.5],
        ]),
      ],
      { selection: ["t"] },
    );
    expect(play(points, triangle, drag([0.5, 0.5], [0.5, 0.1])).effects).toEqual([
      { type: "refuse", why: "tooSmall" },
    ]);
  });

  it("is not offered for what is locked", () => {
    const locked = { ...scene, locked: new Set(["one"]) };
    expect(
      changes(
        play(points, locked, [...click(0.8, 0.8, { alt: true }), ...drag([0.5, 0.2], [0.5, 0.1])])
          .effects,
      ),
    ).toEqual([]);
  });
});

describe("whatever a hand does", () => {
  const coordinate = fc.oneof(
    fc.constantFrom(0, 0.2, 0.5, 0.8, 1),
    fc.double({ min: -0.3, max: 1.3, noNaN: true }),
  );
  const event: fc.Arbitrary<ToolEvent> = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        type: fc.constantFrom("down" as const, "move" as const, "up" as const),
        at: fc.tuple(coordinate, coordinate),
        shift: fc.boolean(),
        alt: fc.boolean(),
        mod: fc.boolean(),
        pen: fc.boolean(),
        time: fc.integer({ min: 0, max: 2000 }),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.constantFrom<ToolEvent>(
        { type: "interrupt" },
        { type: "cancel" },
        { type: "finish" },
        { type: "back" },
        { type: "remove" },
        { type: "nudge", by: [0.4, -0.4] },
      ),
    },
  );
  const tools: Record<string, Tool<{ name: string }>> = Object.fromEntries(
    Object.entries({
      box: boxTool,
      extreme: extremeTool,
      template: templateTool,
      polygon: polygonTool,
      freehand: outlineTool("new", true),
      add: outlineTool("add"),
      cut: outlineTool("cut"),
      split: splitTool,
      select,
      points,
    }).map(([name, tool]) => [name, tool as unknown as Tool<{ name: string }>]),
  );

  it.each(Object.entries(tools))("%s leaves only sound shapes, and cancel is idle", (_, tool) => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 30 }), (events) => {
        let scene: Scene = aScene(
          [aBox("b", 0.3, 0.3, 0.6, 0.5), aPolygon("p", rect(0.2, 0.2, 0.8, 0.8))],
          { selection: ["p"] },
        );
        let state = tool.idle;
        for (const one of events) {
          const [next, effects] = tool.step(state, one, scene);
          for (const effect of effects) scene = after(scene, effect);
          for (const { geometry } of scene.annotations)
            if (geometry.kind !== "tag") {
              expect(isSound(geometry, SIZE)).toBe(true);
              expect(boundsOf(geometry)).toSatisfy(
                ({ x0, y0, x1, y1 }: ReturnType<typeof boundsOf>) =>
                  x0 >= 0 && y0 >= 0 && x1 <= 1 && y1 <= 1,
              );
            }
          tool.sketch(next, scene);
          const [cancelled, left] = tool.step(next, { type: "cancel" }, scene);
          expect(cancelled.name).toBe("idle");
          expect(changes(left)).toEqual([]);
          state = next;
        }
      }),
      { numRuns: 300 },
    );
  });

  function after(scene: Scene, effect: Effect): Scene {
    switch (effect.type) {
      case "add":
        return {
          ...scene,
          annotations: [
            ...scene.annotations,
            annotation(`n${scene.annotations.length}`, effect.geometry),
          ],
        };
      case "replace":
        return {
          ...scene,
          annotations: scene.annotations.flatMap((one, index) =>
            (effect.shapes.get(one.annotation_id) ?? [one.geometry]).map((geometry, part) => ({
              ...one,
              annotation_id: part ? `s${index}-${scene.annotations.length}` : one.annotation_id,
              geometry,
            })),
          ),
        };
      case "select":
        return { ...scene, selection: effect.ids };
      default:
        return scene;
    }
  }
});
