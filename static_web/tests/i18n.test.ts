import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import ts from "typescript";
import { describe, expect, it } from "vitest";

import { commands } from "@/keys/commands";
import adminEn from "@/i18n/admin/en.json";
import adminKo from "@/i18n/admin/ko.json";
import baseEn from "@/i18n/en.json";
import baseKo from "@/i18n/ko.json";

const src = join(import.meta.dirname, "../src");

const en = { ...baseEn, ...adminEn };
const ko = { ...baseKo, ...adminKo };

type Texts = { [key: string]: string | Texts };

/** Path and text; plural forms of one text count as one, since Korean has no plural. */
function flat(texts: Texts, prefix = ""): [string, string][] {
  return Object.entries(texts).flatMap(([key, value]): [string, string][] =>
    typeof value === "string"
      ? [[(prefix + key).replace(/_(one|other)$/, ""), value]]
      : flat(value, `${prefix}${key}.`),
  );
}

const holes = (text: string) =>
  [...text.matchAll(/\{\{(\w+)(?:, number)?\}\}/g)].map(([, name]) => name).sort();

describe("texts", () => {
  it("are there in both languages, with the same values in them", () => {
    const english = new Map(flat(en));
    const korean = new Map(flat(ko));
    expect([...korean.keys()].sort()).toEqual([...english.keys()].sort());
    for (const [key, text] of english)
      expect([key, holes(korean.get(key) ?? "")]).toEqual([key, holes(text)]);
  });

  it("of all pages and of those for admins have no name in common", () => {
    expect(Object.keys(adminEn).filter((group) => group in baseEn)).toEqual([]);
  });

  it("name every command", () => {
    expect(Object.keys(en.commands).sort()).toEqual(commands.map((one) => one.id).sort());
  });

  it("stand nowhere else", () => {
    const found = sourceFiles(src).flatMap((path) => textsIn(path));
    expect(found).toEqual([]);
  });

  it("are all used", () => {
    const code = sourceFiles(src, /\.tsx?$/)
      .map((path) => readFileSync(path, "utf8"))
      .join("\n");
    const used = (key: string) => {
      const parts = key.split(".");
      return (
        code.includes(`"${key}"`) ||
        key.startsWith("problems.") || // by what the API answers: see tests/functions/test_problem_texts.py
        parts.some((_, at) => at > 0 && code.includes(`\`${parts.slice(0, at).join(".")}.$\{`))
      );
    };
    expect(
      flat(en)
        .map(([key]) => key)
        .filter((key) => !used(key)),
    ).toEqual([]);
  });
});

function sourceFiles(folder: string, kind = /\.tsx$/): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => kind.test(path))
    .map((path) => join(folder, path));
}

const SPOKEN = new Set(["title", "label", "alt", "placeholder", "aria-label", "hint", "content"]);

/** Words in markup that no translation reaches. */
function textsIn(path: string): string[] {
  const file = ts.createSourceFile(
    path,
    readFileSync(path, "utf8"),
    ts.ScriptTarget.Latest,
    true,
    ts.ScriptKind.TSX,
  );
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isJsxText(node) && /\p{L}/u.test(node.text)) found.push(`${path}: ${node.text.trim()}`);
    if (
      ts.isJsxAttribute(node) &&
      SPOKEN.has(node.name.getText()) &&
      node.initializer &&
      ts.isStringLiteral(node.initializer) &&
      /\p{L}/u.test(node.initializer.text)
    )
      found.push(`${path}: ${node.initializer.text}`);
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}
