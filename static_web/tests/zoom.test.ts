import { expect, it } from "vitest";

import { withUse, type Recent } from "@/features/label/panels/recent";
import {
  actualSize,
  FITTED,
  fitted,
  pannedBy,
  placeUnder,
  zoomedBy,
} from "@/features/label/grid/zoom";

const picture = { width: 4000, height: 2000 };
const frame = { width: 1000, height: 1000 };

it("fits a picture into its frame, and knows how far that is from its own size", () => {
  expect(fitted(picture, frame)).toEqual({ width: 1000, height: 500 });
  expect(actualSize(picture, frame)).toBe(4);
});

it("keeps the place under the pointer where it is", () => {
  const at = { x: 300, y: 100 };
  const once = zoomedBy(FITTED, 4, at, picture, frame);
  const place = (at.x - once.x) / once.scale;
  const twice = zoomedBy(once, 2, at, picture, frame);
  expect((at.x - twice.x) / twice.scale).toBeCloseTo(place);
  expect(twice.scale).toBe(8);
});

it("knows which pixel lies under the pointer, however near it is looked at", () => {
  expect(placeUnder(FITTED, { x: 0, y: 0 }, picture, frame)).toEqual([2000, 1000]);
  expect(placeUnder(FITTED, { x: -500, y: 250 }, picture, frame)).toEqual([0, 2000]);
  const at = { x: 123, y: -77 };
  const before = placeUnder(FITTED, at, picture, frame);
  const near = zoomedBy(FITTED, 5, at, picture, frame);
  const [x, y] = placeUnder(near, at, picture, frame);
  expect([x, y]).toEqual([expect.closeTo(before[0]), expect.closeTo(before[1])]);
  const [, above] = placeUnder(FITTED, { x: 0, y: -251 }, picture, frame);
  expect(above).toBeLessThan(0);
});

it("never gets smaller than fitted, nor closer than eight dots a pixel", () => {
  expect(zoomedBy(FITTED, 0.1, { x: 50, y: 0 }, picture, frame)).toEqual(FITTED);
  expect(zoomedBy(FITTED, 1000, { x: 0, y: 0 }, picture, frame).scale).toBe(32);
});

it("does not drag a picture out of its frame", () => {
  const close = zoomedBy(FITTED, 2, { x: 0, y: 0 }, picture, frame);
  expect(pannedBy(close, 9_000, 9_000, picture, frame)).toMatchObject({ x: 500, y: 0 });
  expect(pannedBy(FITTED, 50, 50, picture, frame)).toEqual(FITTED);
});

it("keeps the classes used last in their places: only the oldest gives way", () => {
  const use = (...ids: string[]) =>
    ids.reduce<Recent>(withUse, { shown: [], used: [] }).shown.join(" ");
  expect(use("a", "b", "c", "d", "b")).toBe("a b c d");
  expect(use("a", "b", "c", "d", "a", "e")).toBe("a e c d");
});
