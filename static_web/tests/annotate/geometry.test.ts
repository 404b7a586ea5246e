import { describe, expect, it } from "vitest";

import type { Annotation } from "@/api/types";
import {
  allowedMove,
  areaOf,
  boundsOf,
  boxAbout,
  boxBetween,
  contains,
  isSound,
  moved,
  polygonOf,
  withNewPoint,
  withoutPoint,
  withPoint,
  type Point,
  type Polygon,
} from "@/annotate/geometry";
import { edgeAt, shapesAt, sideAt, vertexAt } from "@/annotate/hit";
import {
  betweenViews,
  fitted,
  imageTransform,
  panned,
  resized,
  toImage,
  toScreen,
  turned,
  zoomedAt,
  zoomedTo,
  type Viewport,
} from "@/annotate/viewport";

const SIZE = { width: 400, height: 200 };

const square = (x0: number, y0: number, x1: number, y1: number): [number, number][] => [
  [x0, y0],
  [x1, y0],
  [x1, y1],
  [x0, y1],
];

const ring: Polygon = {
  kind: "polygon",
  parts: [{ outer: square(0.1, 0.1, 0.9, 0.9), holes: [square(0.4, 0.4, 0.6, 0.6)] }],
};

describe("a shape", () => {
  it("has the area of its outline without its holes", () => {
    expect(areaOf(ring)).toBeCloseTo(0.64 - 0.04, 12);
    expect(areaOf(boxBetween([0.5, 0.5], [0, 0], SIZE))).toBe(0.25);
  });

  it("does not contain what is in its hole", () => {
    expect(contains(ring, [0.2, 0.2])).toBe(true);
    expect(contains(ring, [0.5, 0.5])).toBe(false);
    expect(contains(ring, [0.05, 0.5])).toBe(false);
  });

  it("keeps its size when it is pushed against the border", () => {
    const box = boxBetween([0.7, 0.7], [0.9, 0.8], SIZE);
    const by = allowedMove(boundsOf(box), [5, -5]);
    const there = moved(box, by);
    expect(there).toMatchObject({ x1: 1, y0: 0 });
    expect(areaOf(there)).toBeCloseTo(areaOf(box), 12);
  });

  it("is never without an area, whichever two corners are given", () => {
    for (const [a, b] of [
      [
        [0.5, 0.5],
        [0.5, 0.5],
      ],
      [
        [1, 1],
        [1, 1],
      ],
      [
        [2, -3],
        [2, 9],
      ],
      [
        [0, 0.3],
        [0.0001, 0.3],
      ],
    ] as [Point, Point][])
      expect(isSound(boxBetween(a, b, SIZE), SIZE)).toBe(true);
  });

  it("of a given size about a point stays in the image", () => {
    const box = boxAbout([0.01, 0.99], { width: 100, height: 50 }, SIZE);
    expect(box).toEqual({ kind: "box", x0: 0, y0: 0.75, x1: 0.25, y1: 1 });
  });

  it("that is a line or leaves the image is not sound", () => {
    expect(
      isSound(
        polygonOf([
          [0.1, 0.1],
          [0.5, 0.5],
          [0.9, 0.9],
        ]),
        SIZE,
      ),
    ).toBe(false);
    expect(
      isSound(
        polygonOf([
          [0.1, 0.1],
          [1.5, 0.5],
          [0.2, 0.9],
        ]),
        SIZE,
      ),
    ).toBe(false);
    expect(
      isSound(
        polygonOf([
          [0.1, 0.1],
          [NaN, 0.5],
          [0.2, 0.9],
        ]),
        SIZE,
      ),
    ).toBe(false);
    expect(isSound(ring, SIZE)).toBe(true);
  });

  it("changes one point and leaves all others as they are, to the last bit", () => {
    const odd = polygonOf([
      [1 / 3, 0.1],
      [2 / 3, 0.2],
      [0.1 + 0.2, 0.7],
    ]);
    const changed = withPoint(odd, { part: 0, ring: 0, index: 1 }, [0.9, 0.9]);
    expect(changed.parts[0]?.outer).toEqual([
      [1 / 3, 0.1],
      [0.9, 0.9],
      [0.1 + 0.2, 0.7],
    ]);
    const more = withNewPoint(odd, { part: 0, ring: 0, index: 0 }, [0, 0]);
    expect(more.parts[0]?.outer[0]).toEqual([0, 0]);
    expect(more.parts[0]?.outer.slice(1)).toEqual(odd.parts[0]?.outer);
  });

  it("loses a hole of three points with one of them, and itself with its last ring", () => {
    const triangle: Polygon = {
      kind: "polygon",
      parts: [
        {
          outer: [
            [0, 0],
            [1, 0],
            [0, 1],
          ],
          holes: [
            [
              [0.1, 0.1],
              [0.2, 0.1],
              [0.1, 0.2],
            ],
          ],
        },
      ],
    };
    expect(withoutPoint(triangle, { part: 0, ring: 1, index: 0 })?.parts[0]?.holes).toEqual([]);
    expect(withoutPoint(triangle, { part: 0, ring: 0, index: 0 })).toBeNull();
  });
});

function box(id: string, x0: number, y0: number, x1: number, y1: number): Annotation {
  return {
    annotation_id: id,
    class_id: "c",
    frame: 0,
    geometry: { kind: "box", x0, y0, x1, y1 },
    attributes: {},
    origin: null,
  };
}

describe("what is hit", () => {
  it("is the smallest first", () => {
    const all = [
      box("large", 0, 0, 1, 1),
      box("small", 0.4, 0.4, 0.6, 0.6),
      box("middle", 0.2, 0.2, 0.8, 0.8),
    ];
    expect(shapesAt(all, [0.5, 0.5], 0, SIZE)).toEqual(["small", "middle", "large"]);
    expect(shapesAt(all, [0.3, 0.3], 0, SIZE)).toEqual(["middle", "large"]);
  });

  it("is near in pixels of the image, the same along both sides", () => {
    const one = boxBetween([0.25, 0.25], [0.75, 0.75], SIZE);
    expect(sideAt(one, [0.25 - 3 / 400, 0.5], 4, SIZE)).toEqual({ x: -1, y: 0 });
    expect(sideAt(one, [0.5, 0.75 + 3 / 200], 4, SIZE)).toEqual({ x: 0, y: 1 });
    expect(sideAt(one, [0.75, 0.25], 4, SIZE)).toEqual({ x: 1, y: -1 });
    expect(sideAt(one, [0.5, 0.75 + 5 / 200], 4, SIZE)).toBeNull();
    expect(sideAt(one, [0.35, 0.25], 4, SIZE, true)).toBeNull();
  });

  it("is the nearest point, else a place on an edge and where it belongs", () => {
    expect(vertexAt(ring, [0.401, 0.401], 4, SIZE)).toEqual({ part: 0, ring: 1, index: 0 });
    expect(vertexAt(ring, [0.5, 0.1], 4, SIZE)).toBeNull();
    expect(edgeAt(ring, [0.5, 0.11], 4, SIZE)).toEqual({
      ref: { part: 0, ring: 0, index: 1 },
      point: [0.5, 0.1],
    });
  });
});

describe("the viewport", () => {
  const stage = { width: 800, height: 600 };
  const views: Viewport[] = [0, 1, 2, 3].flatMap((quarters) => {
    const view = turned(zoomedAt(fitted(stage, SIZE), [13, 17], 2.7), quarters);
    return [view, panned(view, [-31, 77])];
  });

  it("brings every point back to where it came from, zoomed and turned", () => {
    for (const view of views)
      for (const point of [
        [0, 0],
        [1, 0],
        [0.123, 0.987],
      ] as Point[]) {
        const [x, y] = toImage(view, toScreen(view, point));
        expect(x).toBeCloseTo(point[0], 12);
        expect(y).toBeCloseTo(point[1], 12);
      }
  });

  it("lays the image where it lays the shapes", () => {
    for (const view of views) {
      const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] =
        imageTransform(view)
          .match(/-?[\d.e-]+/g)
          ?.map(Number) ?? [];
      const [px, py] = [0.3 * SIZE.width, 0.8 * SIZE.height];
      const [x, y] = toScreen(view, [0.3, 0.8]);
      expect(a * px + c * py + e).toBeCloseTo(x, 8);
      expect(b * px + d * py + f).toBeCloseTo(y, 8);
    }
  });

  it("keeps what is under the pointer there while zooming", () => {
    const view = fitted(stage, SIZE);
    const before = toImage(view, [300, 250]);
    const [x, y] = toScreen(zoomedAt(view, [300, 250], 3), before);
    expect([x, y]).toEqual([expect.closeTo(300, 9), expect.closeTo(250, 9)]);
  });

  it("never loses the image", () => {
    const away = panned(fitted(stage, SIZE), [1e6, -1e6]);
    const [x, y] = toScreen(away, [0, 1]);
    expect(x).toBeLessThan(stage.width);
    expect(y).toBeGreaterThan(0);
  });

  it("fits again after a turn or on another stage, if it did", () => {
    const view = fitted(stage, SIZE);
    expect(turned(view, 1)).toEqual(fitted(stage, SIZE, 1));
    expect(resized(view, { width: 300, height: 300 })).toEqual(
      fitted({ width: 300, height: 300 }, SIZE),
    );
    expect(turned(turned(view, -1), 5)).toEqual(view);
  });

  it("shows the bounds it zooms to in the middle", () => {
    const view = zoomedTo(fitted(stage, SIZE, 1), { x0: 0.1, y0: 0.1, x1: 0.2, y1: 0.3 });
    const [x, y] = toScreen(view, [0.15, 0.2]);
    expect([x, y]).toEqual([expect.closeTo(400, 6), expect.closeTo(300, 6)]);
  });

  it("moves what was painted to where it belongs", () => {
    const painted = fitted(stage, SIZE);
    const now = panned(zoomedAt(painted, [10, 10], 2), [5, -8]);
    const [a = 0, , , , e = 0, f = 0] =
      betweenViews(painted, now)
        .match(/-?[\d.e-]+/g)
        ?.map(Number) ?? [];
    const [px, py] = toScreen(painted, [0.7, 0.2]);
    const [x, y] = toScreen(now, [0.7, 0.2]);
    expect([a * px + e, a * py + f]).toEqual([expect.closeTo(x, 8), expect.closeTo(y, 8)]);
  });
});
