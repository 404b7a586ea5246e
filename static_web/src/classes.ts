/** Label classes as people write, read and find them. Names are paths: `Animal/Cat`. */

import type { LabelClass, NewClass } from "@/api/types";
import { keyOf, MAX_NAME, spelled } from "@/names";

export interface ClassNode {
  /** The last part of the path. */
  name: string;
  path: string;
  depth: number;
  /** Place in the given order, which decides colour and key; null for a group that is no class itself. */
  index: number | null;
}

/** A class to be added of which only the name is known. */
export function newClass(name: string): NewClass {
  return { name, description: "", examples: [], attributes: [], colour: null };
}

export type ClassFault = "empty_level" | "duplicate" | "too_deep" | "too_long" | "unseen";

const MAX_DEPTH = 6;

/** Reads a text of one class a line. Empty lines do not count; faults name the line they are on. */
export function parseClasses(text: string): {
  names: string[];
  faults: { line: number; text: string; fault: ClassFault }[];
} {
  const names: string[] = [];
  const faults: { line: number; text: string; fault: ClassFault }[] = [];
  const seen = new Set<string>();
  text.split(/\r?\n/).forEach((raw, at) => {
    const line = raw.trim();
    if (!line) return;
    const levels = line.split("/");
    const key = levels.map(keyOf).join("/");
    const name = seen.has(key) ? { fault: "duplicate" as const } : pathOf(levels);
    if (typeof name === "string") names.push(name);
    else faults.push({ line: at + 1, text: line, fault: name.fault });
    seen.add(key);
  });
  return { names, faults };
}

/** The path of a class as it is kept, or why it can't be one. */
function pathOf(levels: string[]): string | { fault: ClassFault } {
  if (levels.some((level) => !level.trim())) return { fault: "empty_level" };
  if (levels.length > MAX_DEPTH) return { fault: "too_deep" };
  const kept: string[] = [];
  for (const level of levels.map(spelled)) {
    if (typeof level !== "string")
      return { fault: level.fault === "unseen-character" ? "unseen" : "too_long" };
    kept.push(level);
  }
  const path = kept.join("/");
  return Array.from(path).length > MAX_NAME ? { fault: "too_long" } : path;
}

/** The classes in the order of a tree, groups above their members, first come first shown. */
export function classTree(names: readonly string[]): ClassNode[] {
  interface Branch extends ClassNode {
    children: Map<string, Branch>;
  }
  const root = new Map<string, Branch>();
  names.forEach((path, index) => {
    let level = root;
    const parts = path.split("/");
    parts.forEach((name, depth) => {
      const branch: Branch = level.get(name) ?? {
        name,
        path: parts.slice(0, depth + 1).join("/"),
        depth,
        index: null,
        children: new Map(),
      };
      if (depth === parts.length - 1) branch.index = index;
      level.set(name, branch);
      level = branch.children;
    });
  });
  const flat = (level: Map<string, Branch>): ClassNode[] =>
    [...level.values()].flatMap(({ children, ...node }) => [node, ...flat(children)]);
  return flat(root);
}

/** The classes that can be chosen, and behind them those retired ones that what is in hand has. */
export function offeredClasses<
  One extends Pick<LabelClass, "class_id" | "retired" | "merged_into">,
>(classes: readonly One[], on?: ReadonlySet<string>): readonly One[] {
  const isOffered = (one: One) => !one.retired && !one.merged_into;
  const others = classes.filter((one) => !isOffered(one) && on?.has(one.class_id));
  return [...classes.filter(isOffered), ...others];
}

/** The key of the class at a place: 1-9, then 0; the eleventh and later have none. */
export function classKey(index: number): string | null {
  return index < 10 ? String((index + 1) % 10) : null;
}

/** The place of the class that a digit stands for. */
export function classAtKey(digit: string): number {
  return (Number(digit) + 9) % 10;
}

/**
 * Places of the classes that match what was typed, best first: beginnings of the last part of the path,
 * then beginnings of words, then anything within. Initial consonants find Korean names (ㄱㅇ: 고양이).
 */
export function findClasses(names: readonly string[], typed: string): number[] {
  const wanted = fold(typed.trim());
  if (!wanted) return names.map((_, index) => index);
  const ranked = names.flatMap((path, index) => {
    const rank = rankOf(path, wanted);
    return rank === null ? [] : [{ rank, index }];
  });
  return ranked.sort((a, b) => a.rank - b.rank || a.index - b.index).map(({ index }) => index);
}

function rankOf(path: string, wanted: string): number | null {
  const folded = fold(path);
  const last = folded.slice(folded.lastIndexOf("/") + 1);
  if (last.startsWith(wanted)) return 0;
  if (folded.split(/[\s/_-]+/).some((word) => word.startsWith(wanted))) return 1;
  if (folded.includes(wanted)) return 2;
  return initials(last).includes(wanted) ? 3 : null;
}

const HANGUL_FIRST = 0xac00;
const HANGUL_LAST = 0xd7a3;
const SYLLABLES_AN_INITIAL = 588;
const INITIALS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ";

function initials(text: string): string {
  return Array.from(text)
    .map((char) => {
      const code = char.codePointAt(0) ?? 0;
      if (code < HANGUL_FIRST || code > HANGUL_LAST) return char;
      return INITIALS[Math.floor((code - HANGUL_FIRST) / SYLLABLES_AN_INITIAL)] ?? char;
    })
    .join("");
}

function fold(text: string): string {
  return text.normalize("NFC").toLocaleLowerCase();
}
