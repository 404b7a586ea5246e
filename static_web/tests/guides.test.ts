// @vitest-environment jsdom
import { readFileSync } from "node:fs";

import { describe, expect, it } from "vitest";

import type { CommandId } from "@/keys/commands";
import en from "@/i18n/en.json";
import ko from "@/i18n/ko.json";
import { shownKey, untouched } from "@/keys/keyMap";

describe.each([
  ["docs/guides/labeler.md", en],
  ["docs/guides/labeler.ko.md", ko],
])("%s", (path, { commands }) => {
  const guide = readFileSync(`../${path}`, "utf8");
  const rows = [...guide.matchAll(/^\| ([^|]+) \| `([^|]+)` \|$/gm)];
  const named = new Map(Object.entries(commands).map(([id, name]) => [name, id as CommandId]));

  it("names what the page names, with the key the page shows", () => {
    const told = rows.map(([, what = "", key]) => [what, key]);
    const shown = rows.map(([, what = ""]) => {
      const id = named.get(what);
      return [what, id && shownKey(untouched, id).name];
    });
    expect(told).toEqual(shown);
    expect(told.length).toBeGreaterThan(30);
  });
});
