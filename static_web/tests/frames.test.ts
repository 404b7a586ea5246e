import { describe, expect, it } from "vitest";

import { dragged, lightOf, paint, pixelsOf, presetsOf, valuesOf, type Grey } from "@/frames/light";

const grey: Grey = {
  type: "int16",
  low: -1000,
  high: 999,
  slope: 2,
  intercept: -24,
  unit: "HU",
  windows: [{ center: 40, width: 400, function: "linear" }],
  inverted: false,
  padding: null,
};
const window = { center: 40, width: 400, function: "linear" as const };

function shades(stored: number[], change: Partial<Grey> = {}, inverted = false): number[] {
  const its = { ...grey, ...change };
  const into = new Uint32Array(stored.length);
  paint(new Int16Array(stored), its, pixelsOf(its, window, inverted), into);
  return [...into].map((pixel) => pixel & 0xff);
}

describe("light of stored values", () => {
  it("goes through slope and intercept before the window", () => {
    expect(shades([-1000, 32, 999])).toEqual([0, 128, 255]);
  });

  it("is turned over once by the image and once by whoever looks at it", () => {
    expect(shades([-1000, 999], { inverted: true })).toEqual([255, 0]);
    expect(shades([-1000, 999], { inverted: true }, true)).toEqual([0, 255]);
  });

  it("has none where there is no image, whichever way it is turned", () => {
    expect(shades([-1000, -999], { padding: [-1000, -1000] }, true)).toEqual([0, 255]);
  });

  it("follows the functions of the standard", () => {
    expect(lightOf(40, { ...window, function: "linear_exact" })).toBe(0.5);
    expect(lightOf(40, { ...window, function: "sigmoid" })).toBe(0.5);
    expect(lightOf(140, { ...window, function: "sigmoid" })).toBeCloseTo(0.731, 3);
    expect(lightOf(39.5, window)).toBe(0.5);
    expect(lightOf(40, { center: 40, width: 1, function: "linear" })).toBe(1);
  });

  it("is opaque", () => {
    expect(pixelsOf(grey, window, false).every((pixel) => pixel >>> 24 === 255)).toBe(true);
  });
});

describe("values and windows", () => {
  it("reads what the API writes", () => {
    const { buffer } = new Uint8Array([1, 0, 255, 255]);
    expect([...valuesOf("int16", buffer)]).toEqual([1, -1]);
    expect([...valuesOf("uint16", buffer)]).toEqual([1, 65535]);
    expect([...valuesOf("uint8", buffer)]).toEqual([1, 0, 255, 255]);
  });

  it("offers the windows of the file, all there is, and the usual ones of tomography once", () => {
    expect(presetsOf(grey).map((one) => one.name)).toEqual([1, "whole", "lung", "bone", "brain"]);
    expect(presetsOf(grey)[1]?.window).toMatchObject({ center: -25, width: 3998 });
    const whole = { center: -25, width: 3998, function: "linear" as const };
    expect(presetsOf({ ...grey, unit: "", windows: [whole] })).toEqual([
      { name: 1, window: whole },
    ]);
  });

  it("changes the window by a drag, in parts of all there is, and never turns it inside out", () => {
    expect(dragged(window, grey, 0.1, -0.05)).toEqual({
      ...window,
      width: 400 + 400,
      center: 40 - 200,
    });
    expect(dragged(window, grey, -9, 0).width).toBe(1);
    const share = { ...grey, type: "uint16" as const, low: 0, high: 65_535, slope: 1 / 65_535 };
    expect(dragged({ ...window, center: 0.5, width: 1 }, share, 0.1, 0.1)).toMatchObject({
      width: 1.1,
      center: 0.6,
    });
  });
});
