import { describe, expect, it } from "vitest";

import type { Annotation } from "@/api/types";
import { shareOfRoom } from "@/features/label/canvas/room";

import { aBox } from "./annotate/play";

const limits = { max_annotations: 10_000, max_labels_bytes: 735 * 1024 };

/** A polygon of points that no compression makes few of. */
function rough(points: number): Annotation {
  let seed = 7;
  const next = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
  const outer = Array.from({ length: points }, (): [number, number] => [next(), next()]);
  return {
    ...aBox("p", 0, 0, 1, 1),
    geometry: { kind: "polygon", parts: [{ outer, holes: [] }] },
  };
}

describe("the room for the labels of an image", () => {
  it("is hardly used by what people draw", async () => {
    expect(await shareOfRoom([aBox("a", 0.1, 0.1, 0.4, 0.4)], limits)).toBeLessThan(0.01);
  });

  it("is used up by very many shapes", async () => {
    const many = Array.from({ length: 9_500 }, (_, at) => aBox(`a${at}`, 0.1, 0.1, 0.4, 0.4));
    expect(await shareOfRoom(many, limits)).toBeCloseTo(0.95);
  });

  it("is used up by very many points", async () => {
    expect(await shareOfRoom([rough(30_000)], limits)).toBeGreaterThan(0.6);
    expect(await shareOfRoom([rough(60_000)], limits)).toBeGreaterThan(1);
  });
});
