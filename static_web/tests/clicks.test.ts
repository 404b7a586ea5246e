import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { areaOf, boundsOf, contains, isSound } from "@/annotate/geometry";
import { outlineOf } from "@/clicks/outline";
import { best, framed, halves, maskSize, pointsOf } from "@/clicks/question";

/** A mask of `width` by `height` that is above 0 where `inside` of the middle of a cell. */
function maskOf(
  width: number,
  height: number,
  inside: (x: number, y: number) => boolean,
): Float32Array {
  return Float32Array.from({ length: width * height }, (_, at) =>
    inside((at % width) + 0.5, Math.floor(at / width) + 0.5) ? 4 : -4,
  );
}

describe("the outline of a mask", () => {
  it("goes along what is above 0, its holes left out", () => {
    const ring = maskOf(100, 50, (x, y) => {
      const away = Math.hypot(x - 50, y - 25);
      return away < 20 && away > 8;
    });
    const found = outlineOf(ring, 100, 50);
    expect(found?.parts).toHaveLength(1);
    expect(found?.parts[0]?.holes).toHaveLength(1);
    const { x0, y0, x1, y1 } = boundsOf(found ?? { kind: "box", x0: 0, y0: 0, x1: 0, y1: 0 });
    for (const [is, wanted] of [
      [x0, 0.3],
      [x1, 0.7],
      [y0, 0.1],
      [y1, 0.9],
    ] as const)
      expect(is).toBeCloseTo(wanted, 1);
    expect(found && contains(found, [0.5, 0.5])).toBe(false);
    expect(found && contains(found, [0.65, 0.5])).toBe(true);
  });

  it("is closed at the border of the image", () => {
    const found = outlineOf(
      maskOf(40, 40, (x) => x < 20),
      40,
      40,
    );
    const { x0, y0, y1 } = found ? boundsOf(found) : { x0: 1, y0: 1, y1: 0 };
    expect(x0).toBeCloseTo(0, 1);
    expect(y0).toBeCloseTo(0, 1);
    expect(y1).toBeCloseTo(1, 1);
    expect(found && areaOf(found)).toBeCloseTo(0.5, 1);
  });

  it("has no specks", () => {
    const found = outlineOf(
      maskOf(100, 100, (x, y) => Math.hypot(x - 50, y - 50) < 30 || (x < 3 && y < 3)),
      100,
      100,
    );
    expect(found?.parts).toHaveLength(1);
  });

  it("is none where nothing is above 0", () => {
    expect(
      outlineOf(
        maskOf(10, 10, () => false),
        10,
        10,
      ),
    ).toBeNull();
  });

  it("is of few points, and sound for whatever ellipse", () => {
    fc.assert(
      fc.property(fc.integer({ min: 6, max: 45 }), fc.integer({ min: 6, max: 45 }), (a, b) => {
        const mask = maskOf(120, 100, (x, y) => ((x - 60) / a) ** 2 + ((y - 50) / b) ** 2 < 1);
        const found = outlineOf(mask, 120, 100);
        expect(found && isSound(found, { width: 120, height: 100 })).toBe(true);
        const true_ = (Math.PI * a * b) / 12_000;
        expect(Math.abs((found ? areaOf(found) : 0) - true_) / true_).toBeLessThan(0.12);
        expect(found?.parts[0]?.outer.length).toBeLessThan(60);
      }),
      { numRuns: 40 },
    );
  });
});

describe("what a decoder is asked", () => {
  const size = { width: 3000, height: 2000 };

  it("has places in its own frame, and a point at the end that means no box", () => {
    const clicks = [
      { at: [0.5, 0.5] as [number, number], isInside: true },
      { at: [1, 0] as [number, number], isInside: false },
    ];
    const { places, labels } = pointsOf(clicks, size, 1024);
    expect([...places]).toEqual([512, 341.5, 1024, 0, 0, 0]);
    expect([...labels]).toEqual([1, 0, -1]);
  });

  it("keeps the image's proportions", () => {
    expect(framed(size, 1024)).toEqual({ width: 1024, height: 683 });
    expect(maskSize(size)).toEqual({ width: 512, height: 341 });
    expect(maskSize({ width: 1, height: 4000 })).toEqual({ width: 1, height: 512 });
    expect(maskSize({ width: 20, height: 10 })).toEqual({ width: 20, height: 10 });
  });
});

describe("numbers of 16 bits", () => {
  it("are read as they were written", () => {
    const bits = [0x0000, 0x8000, 0x3c00, 0xc000, 0x7bff, 0x0001, 0x03ff, 0x3555, 0x7c00, 0xfc00];
    expect([...halves(Uint16Array.from(bits).buffer)]).toEqual([
      0,
      -0,
      1,
      -2,
      65504,
      Math.fround(2 ** -24),
      Math.fround((1023 / 1024) * 2 ** -14),
      Math.fround(0.333251953125),
      Infinity,
      -Infinity,
    ]);
    expect(halves(Uint16Array.of(0x7e00).buffer)[0]).toBeNaN();
  });
});

it("the best mask is the one with the greatest number", () => {
  expect(best([0.1, 0.9, 0.5])).toBe(1);
  expect(best([])).toBe(0);
});
