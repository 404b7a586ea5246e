import { expect, it } from "vitest";

import type { Annotation } from "@/api/types";
import {
  classified,
  copied,
  cycled,
  deleted,
  drawn,
  lastBoxSize,
  merged,
  nudged,
  pasted,
  replaced,
  tangled,
  withFewerPoints,
  withOthersSubtracted,
  withoutCrossings,
  type Context,
  type Edit,
  type Outcome,
} from "@/annotate/edits";
import { areaOf, shapeOf } from "@/annotate/geometry";

import { aBox, aPolygon, rect, SIZE } from "./play";

function around(
  annotations: Annotation[],
  selection: string[] = [],
  locked: string[] = [],
): Context {
  let next = 0;
  return {
    annotations,
    selection,
    locked: new Set(locked),
    size: SIZE,
    newId: () => `new${next++}`,
  };
}

function done(outcome: Outcome): Edit {
  if ("refused" in outcome) throw new Error(`refused: ${outcome.refused}`);
  return outcome;
}

const area = (annotation: Annotation | undefined) => {
  const shape = shapeOf(annotation);
  return shape ? areaOf(shape) : 0;
};

const box = aBox("b", 0.1, 0.1, 0.2, 0.2);
const left = aPolygon("left", rect(0.1, 0.1, 0.5, 0.5));
const right = aPolygon("right", rect(0.4, 0.1, 0.8, 0.5));

it("a new shape has the class in hand and is selected", () => {
  const { annotations, selection } = drawn(around([box]), rectShape(), "c7");
  expect(annotations[1]).toMatchObject({ annotation_id: "new0", class_id: "c7", origin: null });
  expect(selection).toEqual(["new0"]);
});

function rectShape() {
  return { kind: "box", x0: 0, y0: 0, x1: 0.5, y1: 0.5 } as const;
}

it("what changes leaves everything else as it is, to the object", () => {
  const { annotations } = done(nudged(around([box, left]), ["b"], [10, 1]));
  expect(annotations[0]?.geometry).toMatchObject({
    x0: 0.11,
    y0: expect.closeTo(0.101, 12) as number,
  });
  expect(annotations[1]).toBe(left);
});

it("a nudge keeps the size at the border", () => {
  const { annotations } = done(nudged(around([box]), ["b"], [-500, 0]));
  expect(annotations[0]?.geometry).toMatchObject({ x0: 0, x1: 0.1 });
});

it("what is locked is neither deleted nor classified, the rest of the selection is", () => {
  const context = around([box, left], ["b", "left"], ["b"]);
  expect(done(deleted(context, ["b", "left"]))).toMatchObject({
    annotations: [box],
    change: { what: "delete", ids: ["left"] },
    selection: ["b"],
  });
  expect(deleted(context, ["b"])).toEqual({ refused: "locked" });
  expect(classified(context, ["b"], "c9")).toEqual({ refused: "locked" });
  expect(deleted(context, [])).toEqual({ refused: "nothingSelected" });
});

it("a copy lies beside what is there, and at the same place where nothing is", () => {
  const copy = copied(around([box]), ["b"]);
  const first = done(pasted(around([box]), copy, "paste"));
  expect(first.annotations[1]?.geometry).toMatchObject({ x0: 0.112, y0: 0.112 });
  const second = done(pasted(around([...first.annotations]), copy, "paste"));
  expect(second.annotations[2]?.geometry).toMatchObject({ x0: 0.124 });
  const elsewhere = done(pasted(around([]), copy, "paste"));
  expect(elsewhere.annotations[0]).toMatchObject({ geometry: box.geometry, class_id: "c1" });
});

it("a copy in the corner goes the other way, and no copy is an exact double", () => {
  const corner = aBox("b", 0.9, 0.9, 1, 1);
  const { annotations } = done(pasted(around([corner]), copied(around([corner]), ["b"]), "paste"));
  expect(annotations[1]?.geometry).not.toEqual(corner.geometry);
});

it("a copy keeps its size in pixels in another image, as far as there is room", () => {
  const copy = copied(around([box]), ["b"]);
  const large = { ...around([]), size: { width: 2000, height: 2000 } };
  expect(area(done(pasted(large, copy, "paste")).annotations[0])).toBeCloseTo(0.0025, 9);
  const small = { ...around([]), size: { width: 50, height: 50 } };
  expect(done(pasted(small, copy, "paste")).annotations[0]?.geometry).toEqual({
    kind: "box",
    x0: 0,
    y0: 0,
    x1: 1,
    y1: 1,
  });
});

it("merging makes one shape with the identity of the first selected", () => {
  const { annotations, selection } = done(merged(around([left, right], ["right", "left"])));
  expect(annotations.map((one) => one.annotation_id)).toEqual(["right"]);
  expect(area(annotations[0])).toBeCloseTo(0.28, 6);
  expect(selection).toEqual(["right"]);
  expect(merged(around([left, box], ["left", "b"]))).toEqual({ refused: "needsTwoPolygons" });
});

it("subtracting takes the others from the first selected and leaves them", () => {
  const { annotations } = done(withOthersSubtracted(around([left, right], ["left", "right"])));
  expect(annotations.map(area)).toEqual([expect.closeTo(0.12, 6), expect.closeTo(0.16, 6)]);
  const covered = around([left, aPolygon("all", rect(0, 0, 1, 1))], ["left", "all"]);
  expect(withOthersSubtracted(covered)).toEqual({ refused: "nothingLeft" });
});

it("the pieces of a split are instances of the same class; the first keeps the identity", () => {
  const shape = left.geometry;
  const origin = { prelabel: "p1", run_id: null, changed: false };
  const suggested = { ...left, origin };
  const { annotations, change } = replaced(around([suggested]), {
    what: "split",
    shapes: new Map([["left", [shape, shape]]]),
  });
  expect(annotations.map((one) => [one.annotation_id, one.class_id, one.origin])).toEqual([
    ["left", "c1", origin],
    ["new0", "c1", null],
  ]);
  expect(change).toEqual({ what: "split", ids: ["left", "new0"] });
});

it("finds outlines that cross themselves, and untangles them", () => {
  const bow = aPolygon("bow", [
    [0.1, 0.1],
    [0.5, 0.5],
    [0.5, 0.1],
    [0.1, 0.5],
  ]);
  expect(tangled([left, bow, box])).toEqual(["bow"]);
  const { annotations } = done(withoutCrossings(around([left, bow], ["bow"])));
  expect(tangled(annotations)).toEqual([]);
  expect(withoutCrossings(around([left], ["left"]))).toEqual({ refused: "nothingToDo" });
});

it("simplifying drops points that make no difference of a pixel", () => {
  const dense = aPolygon("d", [
    [0.1, 0.1],
    [0.3, 0.1004],
    [0.5, 0.1],
    [0.5, 0.5],
    [0.1, 0.5],
  ]);
  const { annotations } = done(withFewerPoints(around([dense], ["d"])));
  expect(annotations[0]?.geometry).toMatchObject({ parts: [{ outer: { length: 4 } }] });
  expect(withFewerPoints(around([...annotations], ["d"]))).toEqual({ refused: "nothingToDo" });
});

it("Tab goes round the shapes", () => {
  const all = [box, left, right];
  expect(cycled(all, [], 1)).toBe("b");
  expect(cycled(all, ["right"], 1)).toBe("b");
  expect(cycled(all, ["b"], -1)).toBe("right");
  expect(cycled([], [], 1)).toBeUndefined();
});

it("Tab goes through suggestions first, from the least sure one on", () => {
  const all = [box, left, right];
  const suggested = new Map([
    ["b", { confidence: 0.9 }],
    ["right", { confidence: 0.6 }],
  ]);
  const next = (id: string): string | undefined => cycled(all, [id], 1, suggested);
  expect(cycled(all, [], 1, suggested)).toBe("right");
  expect([next("right"), next("b"), next("left")]).toEqual(["b", "left", "right"]);
  expect(cycled(all, ["right"], -1, suggested)).toBe("left");
});

it("knows the size of the last box in pixels", () => {
  expect(lastBoxSize([box, left], { width: 200, height: 100 })).toEqual({
    width: expect.closeTo(20, 9) as number,
    height: expect.closeTo(10, 9) as number,
  });
  expect(lastBoxSize([left], SIZE)).toBeNull();
});
