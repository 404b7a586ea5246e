import { describe, expect, it } from "vitest";

import type { Annotation, ItemLine } from "@/api/types";
import { canBe } from "@/features/data/deeds";
import { difference } from "@/features/data/difference";
import {
  asQuery,
  isNewestFirst,
  isSearched,
  readFilters,
  unfiltered,
  writeFilters,
} from "@/features/data/filters";
import { withTop } from "@/features/data/list";
import { paceOf } from "@/features/data/pace";

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
    const unknown =
      "?state=nonsense&kind=x&flag=y&labeled_from=2026-1-1&suggested=maybe&returned=x";
    expect(readFilters(unknown)).toEqual(unfiltered);
  });

  it("ask for days, suggestions and what was sent back, and these are looked for", () => {
    const search = "?labeled_from=2026-11-01&labeled_to=2026-11-07&suggested=no&returned=anyone";
    const filters = readFilters(search);
    expect(writeFilters(filters)).toBe(search);
    expect(asQuery(filters)).toEqual({
      state: "labeled",
      labeled_from: "2026-11-01",
      labeled_to: "2026-11-07",
      suggested: false,
      returned: "anyone",
      labels: true,
    });
    expect([unfiltered, filters].map(isSearched)).toEqual([false, true]);
  });

  it("ask for the one image of a path, which is found without looking through others", () => {
    const search = "?state=all&path=owls%2FTwo+owls.jpg";
    const filters = readFilters(search);
    expect(writeFilters(filters)).toBe(search);
    expect(asQuery(filters)).toEqual({ path: "owls/Two owls.jpg", labels: true });
    expect([isSearched(filters), isNewestFirst(filters)]).toEqual([false, false]);
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

describe("an image", () => {
  const asked = { state: "needs_review", approved: "", flag: "", honeypot: false };

  it("about which a labeler asked is answered", () => {
    expect([canBe("answer", asked), canBe("approve", asked)]).toEqual([true, false]);
  });

  it("that is labeled is made a honeypot, and is one no longer", () => {
    const labeled = { ...asked, state: "labeled" };
    const honeypot = { ...labeled, honeypot: true };
    expect([canBe("pose", asked), canBe("pose", labeled), canBe("pose", honeypot)]).toEqual([
      ...[false, true, false],
    ]);
    expect([canBe("unpose", labeled), canBe("unpose", honeypot)]).toEqual([false, true]);
  });

  it("that waits is labeled before others, and left out like one that somebody has labeled", () => {
    const of = (what: "first" | "leave_out") =>
      ["available", "labeled", "needs_review", "skipped", "leased"].filter((state) =>
        canBe(what, { ...asked, state }),
      );
    expect(of("first")).toEqual(["available"]);
    expect(of("leave_out")).toEqual(["available", "labeled", "needs_review"]);
  });

  it("that was replaced since is approved where its labels fit", () => {
    const replaced = { ...asked, flag: "overwritten" };
    expect([canBe("answer", replaced), canBe("approve", replaced)]).toEqual([false, true]);
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

describe("the pace of a scroll", () => {
  /** Pixels a second after a step each 20 ms. */
  const after = (...steps: number[]): number => {
    const pace = paceOf();
    let offset = 0;
    return steps.reduce((_, step, at) => pace((offset += step), at * 20), 0);
  };

  it("is how far it went in the last moment, up or down", () => {
    expect(after(...Array<number>(20).fill(40))).toBeCloseTo(2000);
    expect(after(...Array<number>(20).fill(-40))).toBeCloseTo(2000);
    expect(after(...Array<number>(20).fill(40), ...Array<number>(20).fill(0))).toBe(0);
  });

  it("is not that of a single jump", () => {
    expect(after(0, 400)).toBeLessThan(6000);
    expect(paceOf()(9000, 5)).toBe(0);
  });
});
