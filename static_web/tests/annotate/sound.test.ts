import { describe, expect, it } from "vitest";

import type { Annotation } from "@/api/types";
import { areaOf, type Polygon, type Shape, type Size } from "@/annotate/geometry";
import { isKept, mended } from "@/annotate/sound";

import cases from "../../../tests/cases/geometry.json";

interface Case {
  name: string;
  size: [number, number];
  parts?: Polygon["parts"];
  box?: [number, number, number, number];
  fault: { code: string; pointer: string } | null;
}

const sizeOf = ({ size: [width, height] }: Case): Size => ({ width, height });

function shapeOf({ parts, box }: Case): Shape {
  if (parts) return { kind: "polygon", parts };
  const [x0, y0, x1, y1] = box ?? [0, 0, 0, 0];
  return { kind: "box", x0, y0, x1, y1 };
}

const drawn = (geometry: Shape): Annotation => ({
  annotation_id: "a1",
  class_id: "c1",
  frame: 0,
  geometry,
  attributes: {},
  origin: null,
});

describe("the rule that the API has too", () => {
  it.each(cases as unknown as Case[])("$name", (one) => {
    expect(isKept(shapeOf(one), sizeOf(one))).toBe(one.fault === null);
  });
});

describe("an outline that does not add up", () => {
  const all = cases as unknown as Case[];
  const wrong = all.filter(({ parts, fault }) => parts && fault && fault.code !== "too-small");

  it.each(wrong)("$name becomes what it is shown as", (one) => {
    const found = mended([drawn(shapeOf(one))], sizeOf(one))?.[0]?.geometry as Polygon | undefined;

    // Nothing is shown of what lies on itself; the API refuses it in words.
    const vanishes = ["an outline run twice", "a part given twice"].includes(one.name);
    expect(found === undefined).toBe(vanishes);
    if (!found) return;
    expect(isKept(found, sizeOf(one))).toBe(true);
    expect(areaOf(found)).toBeGreaterThan(0);
  });

  it("is left alone where it adds up", () => {
    const right = all.filter(({ fault }) => !fault).map((one) => drawn(shapeOf(one)));

    expect(mended(right, { width: 100, height: 80 })).toBeNull();
  });
});
