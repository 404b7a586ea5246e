import { describe, expect, it } from "vitest";

import type { Attribute } from "@/api/types";
import { fittingAttributes, missingOf, saying, sharedValue, valuesOf } from "@/attributes";

import { aTag } from "./builders";

const mood: Attribute = { name: "mood", kind: "choice", required: true, choices: ["calm", "wild"] };
const age: Attribute = { name: "age", kind: "number", required: false, choices: [] };
const owl = {
  class_id: "c1",
  name: "Owl",
  description: "",
  examples: [],
  attributes: [mood, age],
  colour: 0,
  retired: false,
  merged_into: "",
};
const one = (attributes: Record<string, string | number | boolean>) => ({
  ...aTag("c1"),
  attributes,
});

describe("what is said of an annotation", () => {
  it("is what its class takes", () => {
    expect(valuesOf(one({ mood: "calm", age: "2", colour: "red" }), [mood, age])).toEqual({
      mood: "calm",
    });
  });

  it("is nothing where an older page kept it", () => {
    const kept = { ...one({}), attributes: undefined } as never;
    expect(valuesOf(kept, [mood])).toEqual({});
  });

  it("is left out where the class takes it no longer, and only there", () => {
    const fits = one({ mood: "wild" });
    expect(fittingAttributes([fits], [owl])).toBeNull();
    expect(fittingAttributes([fits, one({ mood: "shy", age: 2 })], [owl])).toEqual([
      fits,
      one({ age: 2 }),
    ]);
  });

  it("misses what is required", () => {
    expect(missingOf(one({ age: 2 }), [age, mood])?.name).toBe("mood");
    expect(missingOf(one({ mood: "shy" }), [mood])?.name).toBe("mood");
    expect(missingOf(one({ mood: "calm" }), [age, mood])).toBeUndefined();
  });

  it("can be said and taken back", () => {
    expect(saying(one({ age: 2 }), "mood", "calm").attributes).toEqual({ age: 2, mood: "calm" });
    expect(saying(one({ age: 2 }), "age", undefined).attributes).toEqual({});
  });

  it("is shown of several where all say the same", () => {
    expect(sharedValue([one({ age: 2 }), one({ age: 2 })], age)).toBe(2);
    expect(sharedValue([one({ age: 2 }), one({})], age)).toBeUndefined();
  });
});
