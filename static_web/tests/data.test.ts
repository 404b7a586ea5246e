import { describe, expect, it } from "vitest";

import type { Annotation, ItemLine } from "@/api/types";
import { difference } from "@/features/data/difference";
import { asQuery, readFilters, unfiltered, writeFilters } from "@/features/data/filters";
import { withTop } from "@/features/data/list";

import { aTag } from "./builders";

const line = (id: string, second: number) =>
  ({ item_id: id, changed_at: `2026-01-01T00:00:${String(second).padStart(2, "0")}Z` }) as ItemLine;
const ids = (items: readonly ItemLine[] | null) => items?.map((one) => one.item_id).join("");

describe("filters", () => {
  it("stand in the address, without those that are not set", () => {
    expect(writeFilters(unfiltered)).toBe("");
    const search = writeFilters({ ...unfiltered, state: "skipped", class: "c1" }, "i-7");
    expect(search).toBe("?state=skipped&class=c1&item=i-7");
    expect(readFilters(search)).toEqual({ ...unfiltered, state: "skipped", class: "c1" });
  });

  it("that nobody knows are none", () => {
    expect(readFilters("?state=nonsense&kind=x&flag=y")).toEqual(unfiltered);
  });

  it("of all states ask the API for no state", () => {
    expect(asQuery({ ...unfiltered, disagrees: "yes" })).toMatchObject({ disagrees: true });
    expect(asQuery({ ...unfiltered, state: "all" })).toEqual({ labels: true });
    expect(asQuery({ ...unfiltered, name: " a " })).toEqual({
      state: "labeled",
      name: "a",
      labels: true,
    });
  });
});

describe("a list", () => {
  const loaded = [line("d", 9), line("c", 8), line("b", 7), line("a", 6)];

  it("has what is new on top, and what comes behind it as it was", () => {
    const top = [line("e", 12), line("d", 9), line("c", 8)];
    expect(ids(withTop(loaded, { items: top, whole: false }))).toBe("edcba");
  });

  it("loses what has left the part that was looked at again", () => {
    const top = [line("d", 9), line("b", 7)];
    expect(ids(withTop(loaded, { items: top, whole: false }))).toBe("dba");
  });

  it("moves what was changed, and does not show it twice", () => {
    const top = [line("a", 20), line("d", 9)];
    expect(ids(withTop(loaded, { items: top, whole: false }))).toBe("adcb");
  });

  it("is no longer than its top where that is all of it", () => {
    expect(ids(withTop(loaded, { items: [line("a", 6)], whole: true }))).toBe("a");
  });

  it("is loaded anew where more has come than the top shows", () => {
    const top = [line("z", 30), line("y", 29)];
    expect(withTop(loaded, { items: top, whole: false })).toBeNull();
  });
});

describe("a difference between two versions", () => {
  const box = (id: string, classId: string, x1: number): Annotation => ({
    ...aTag(classId),
    annotation_id: id,
    geometry: { kind: "box", x0: 0, y0: 0, x1, y1: 1 },
  });

  it("says by class what came, went and changed", () => {
    const before = [box("1", "c1", 0.5), box("2", "c1", 0.5), box("3", "c2", 0.5)];
    const after = [box("1", "c1", 0.6), box("3", "c2", 0.5), box("4", "c2", 1), box("5", "c2", 1)];
    expect(difference(before, after)).toEqual([
      { classId: "c1", what: "changed", count: 1 },
      { classId: "c2", what: "added", count: 2 },
      { classId: "c1", what: "removed", count: 1 },
    ]);
  });

  it("is none between two that are equal", () => {
    expect(difference([aTag("c1")], [aTag("c1")])).toEqual([]);
  });
});
