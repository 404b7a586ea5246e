import { describe, expect, it } from "vitest";

import { keyOf, spelled } from "@/names";

import cases from "../../tests/cases/names.json";

interface Case {
  typed: string;
  spelled?: string;
  fault?: string;
  same?: string[];
  other?: string[];
}

describe("the rule for names that the API has too", () => {
  it.each(cases as Case[])("$typed", (one) => {
    expect(spelled(one.typed)).toEqual(one.spelled ?? { fault: one.fault });
    expect((one.same ?? []).map(keyOf)).toEqual((one.same ?? []).map(() => keyOf(one.typed)));
    expect((one.other ?? []).map(keyOf)).not.toContain(keyOf(one.typed));
  });

  it("ends at 200 characters, of whatever size", () => {
    expect(spelled("🦉".repeat(200))).toBe("🦉".repeat(200));
    expect(spelled("🦉".repeat(201))).toEqual({ fault: "string-too-long" });
  });
});
