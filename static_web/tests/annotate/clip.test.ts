import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { intersected, split, subtracted, united, untangled } from "@/annotate/clip";
import { crossingsOf, crossingsOfLine } from "@/annotate/crossings";
import { areaOf, polygonOf, type Point, type Polygon } from "@/annotate/geometry";
import { pointCount, simplified, simplifiedLine } from "@/annotate/simplify";

const SIZE = { width: 1000, height: 1000 };

function block(x0: number, y0: number, x1: number, y1: number): Polygon {
  return polygonOf([
    [x0, y0],
    [x1, y0],
    [x1, y1],
    [x0, y1],
  ]);
}

function star(count: number, x: number, y: number, radius: number, roughness: number[]): Polygon {
  return polygonOf(
    Array.from({ length: count }, (_, index): Point => {
      const angle = (index / count) * 2 * Math.PI;
      const far = radius * (0.6 + 0.4 * (roughness[index % roughness.length] ?? 1));
      return [x + far * Math.cos(angle), y + far * Math.sin(angle)];
    }),
  );
}

const area = (polygon: Polygon | null): number => (polygon ? areaOf(polygon) : 0);

describe("boolean operations", () => {
  const stars = fc
    .record({
      count: fc.integer({ min: 3, max: 40 }),
      x: fc.double({ min: 0.3, max: 0.7, noNaN: true }),
      y: fc.double({ min: 0.3, max: 0.7, noNaN: true }),
      radius: fc.double({ min: 0.05, max: 0.3, noNaN: true }),
      roughness: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), {
        minLength: 1,
        maxLength: 9,
      }),
    })
    .map(({ count, x, y, radius, roughness }) => star(count, x, y, radius, roughness));

  it("add up in area", () => {
    fc.assert(
      fc.property(stars, stars, (a, b) => {
        const common = area(intersected(a, b));
        expect(area(united([a, b]))).toBeCloseTo(areaOf(a) + areaOf(b) - common, 6);
        expect(area(subtracted(a, [b]))).toBeCloseTo(areaOf(a) - common, 6);
      }),
      { numRuns: 200 },
    );
  });

  it("of shapes that share edges leave no splinters", () => {
    const joined = united([block(0.1, 0.1, 0.3, 0.3), block(0.3, 0.1, 0.6, 0.3)]);
    expect(joined?.parts).toHaveLength(1);
    expect(area(joined)).toBeCloseTo(0.1, 9);
    expect(subtracted(block(0.1, 0.1, 0.3, 0.3), [block(0.1, 0.1, 0.3, 0.3)])).toBeNull();
  });

  it("keep parts that do not touch, and cut holes", () => {
    expect(united([block(0.1, 0.1, 0.2, 0.2), block(0.5, 0.5, 0.6, 0.6)])?.parts).toHaveLength(2);
    const holed = subtracted(block(0.1, 0.1, 0.9, 0.9), [block(0.3, 0.3, 0.4, 0.4)]);
    expect(holed?.parts).toHaveLength(1);
    expect(holed?.parts[0]?.holes).toHaveLength(1);
  });

  it("leave an island inside a hole as a part of its own", () => {
    const holed = subtracted(block(0.1, 0.1, 0.9, 0.9), [block(0.2, 0.2, 0.8, 0.8)]);
    const island = united([holed ?? block(0, 0, 1, 1), block(0.4, 0.4, 0.5, 0.5)]);
    expect(island?.parts).toHaveLength(2);
    expect(area(island)).toBeCloseTo(0.64 - 0.36 + 0.01, 9);
  });

  it("take a hole for one whichever way round it was drawn", () => {
    const outer = block(0.1, 0.1, 0.9, 0.9).parts[0]?.outer ?? [];
    const hole = block(0.3, 0.3, 0.7, 0.7).parts[0]?.outer ?? [];
    for (const holes of [[hole], [hole.toReversed()]]) {
      const holed: Polygon = { kind: "polygon", parts: [{ outer, holes }] };
      expect(area(subtracted(holed, [block(0.1, 0.1, 0.2, 0.9)]))).toBeCloseTo(0.48 - 0.08, 9);
      expect(area(united([holed, block(0.3, 0.3, 0.4, 0.4)]))).toBeCloseTo(0.49, 9);
    }
  });

  it("unite holes away only where something covers them", () => {
    const holed = subtracted(block(0.1, 0.1, 0.9, 0.9), [block(0.3, 0.3, 0.7, 0.7)]);
    const both = united([holed ?? block(0, 0, 1, 1), block(0.3, 0.3, 0.5, 0.7)]);
    expect(area(both)).toBeCloseTo(0.64 - 0.08, 9);
  });

  it("keep the exact coordinates of points they leave in place", () => {
    const odd = polygonOf([
      [1 / 3, 0.1],
      [2 / 3, 0.1],
      [2 / 3, 0.7],
      [1 / 3, 0.7],
    ]);
    const points = subtracted(odd, [block(0.6, 0.6, 0.9, 0.9)])?.parts[0]?.outer;
    expect(points).toContainEqual([1 / 3, 0.1]);
    expect(points).toContainEqual([2 / 3, 0.1]);
  });

  it("hold for outlines of 2,000 points", () => {
    const rough = Array.from({ length: 97 }, (_, index) => ((index * 37) % 97) / 97);
    const [a, b] = [star(2000, 0.45, 0.5, 0.4, rough), star(2000, 0.55, 0.5, 0.4, rough)];
    expect(area(united([a, b]))).toBeCloseTo(areaOf(a) + areaOf(b) - area(intersected(a, b)), 6);
  });
});

describe("splitting by a line", () => {
  it("gives both sides, which add up", () => {
    const sides = split(block(0.2, 0.2, 0.8, 0.8), [0.1, 0.3], [0.9, 0.6]);
    expect(sides?.map((side) => side.parts.length)).toEqual([1, 1]);
    expect(sides?.reduce((sum, side) => sum + areaOf(side), 0)).toBeCloseTo(0.36, 6);
  });

  it("cuts only the parts that the line goes through, and nothing when it misses", () => {
    const two: Polygon = {
      kind: "polygon",
      parts: [...block(0.1, 0.1, 0.3, 0.3).parts, ...block(0.6, 0.1, 0.8, 0.3).parts],
    };
    const sides = split(two, [0.05, 0.2], [0.35, 0.2]);
    expect(sides?.map((side) => side.parts.length).sort()).toEqual([1, 2]);
    expect(split(two, [0.4, 0.1], [0.4, 0.9])).toBeNull();
    expect(split(two, [0.2, 0.2], [0.2, 0.2])).toBeNull();
  });

  it("cuts through a hole too", () => {
    const holed = subtracted(block(0.1, 0.1, 0.9, 0.9), [block(0.4, 0.4, 0.6, 0.6)]);
    const sides = holed && split(holed, [0.5, 0], [0.5, 1]);
    expect(sides?.map(areaOf)).toEqual([expect.closeTo(0.3, 6), expect.closeTo(0.3, 6)]);
    expect(sides?.every((side) => side.parts[0]?.holes.length === 0)).toBe(true);
  });
});

describe("an outline that crosses itself", () => {
  const bow = polygonOf([
    [0.1, 0.1],
    [0.9, 0.9],
    [0.9, 0.1],
    [0.1, 0.9],
  ]);

  it("is found, and told where", () => {
    expect(crossingsOf(bow)).toEqual([[expect.closeTo(0.5, 12), expect.closeTo(0.5, 12)]]);
    expect(crossingsOf(block(0.1, 0.1, 0.9, 0.9))).toEqual([]);
    expect(
      crossingsOfLine([
        [0, 0],
        [1, 1],
        [1, 0],
        [0, 1],
      ]),
    ).toHaveLength(1);
    expect(
      crossingsOfLine([
        [0, 0],
        [1, 1],
        [1, 0],
      ]),
    ).toEqual([]);
  });

  it("is found between an outline and its hole", () => {
    const out: Polygon = {
      kind: "polygon",
      parts: [
        {
          outer: [
            [0.1, 0.1],
            [0.5, 0.1],
            [0.5, 0.5],
            [0.1, 0.5],
          ],
          holes: [
            [
              [0.4, 0.2],
              [0.7, 0.2],
              [0.7, 0.3],
              [0.4, 0.3],
            ],
          ],
        },
      ],
    };
    expect(crossingsOf(out)).toHaveLength(2);
  });

  it("can be untangled, with the area that was shown", () => {
    const loose = untangled(bow);
    expect(loose?.parts).toHaveLength(2);
    expect(area(loose)).toBeCloseTo(0.32, 6);
    expect(loose && crossingsOf(loose)).toEqual([]);
  });
});

describe("simplifying", () => {
  it("drops points on a line and keeps corners", () => {
    const line: Point[] = [
      [0, 0],
      [0.1, 0],
      [0.2, 0],
      [0.2, 0.1],
      [0.2, 0.2],
    ];
    expect(simplifiedLine(line, 1, SIZE)).toEqual([
      [0, 0],
      [0.2, 0],
      [0.2, 0.2],
    ]);
  });

  it("stays within the tolerance, in pixels of the image", () => {
    const circle = star(2000, 0.5, 0.5, 0.4, [1]);
    const fewer = simplified(circle, 2, SIZE);
    expect(pointCount(fewer)).toBeLessThan(60);
    expect(areaOf(fewer) / areaOf(circle)).toBeGreaterThan(0.985);
  });

  it("never takes a shape's area away", () => {
    expect(areaOf(simplified(star(40, 0.5, 0.5, 0.0005, [1]), 50, SIZE))).toBeGreaterThan(0);
  });
});
