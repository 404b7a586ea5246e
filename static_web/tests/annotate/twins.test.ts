import { describe, expect, it } from "vitest";

import { withoutTwins } from "@/annotate/twins";
import type { Polygon } from "@/annotate/geometry";
import type { Annotation } from "@/api/types";

import cases from "../../../tests/cases/twins.json";

interface Case {
  name: string;
  shapes: {
    box?: [number, number, number, number];
    parts?: Polygon["parts"];
    class_id?: string;
    frame?: number;
  }[];
  twin: number | null;
}

function drawn(shape: Case["shapes"][number], index: number): Annotation {
  const [x0, y0, x1, y1] = shape.box ?? [0, 0, 0, 0];
  return {
    annotation_id: `a${index}`,
    class_id: shape.class_id ?? "c1",
    frame: shape.frame ?? 0,
    geometry: shape.parts
      ? { kind: "polygon", parts: shape.parts }
      : { kind: "box", x0, y0, x1, y1 },
    attributes: {},
    origin: null,
  };
}

describe("the rule for twins that the API has too", () => {
  it.each(cases as unknown as Case[])("$name", ({ shapes, twin }) => {
    const all = shapes.map(drawn);
    const kept = all.filter((_, index) => index !== twin);

    expect(withoutTwins(all)).toEqual(twin === null ? null : kept);
  });
});
