/**
 * Names that people type: one spelling, one way to find them again. The API has the same rule
 * (`labeling/names.py`); `tests/cases/names.json` tests both.
 */

export const MAX_NAME = 200;

export type NameFault = "string-too-short" | "string-too-long" | "unseen-character";

// What Python's `strip` and `split` take for space.
const SPACE = /[\p{White_Space}\x1c-\x1f]+/gu; // eslint-disable-line no-control-regex
const UNSEEN =
  /[\p{Cc}\p{Cf}\p{Cn}\p{Co}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]/u;
const JOINER = /^[\u200c\u200d]$/;
const EMOJI = "\ufe0f";
const JOINED = /\u200c|\u200d|\ufe0f/g;
/** Letters, their marks, parts of an emoji: a joiner beside them changes how they are written. */
const JOINS = /^[\p{L}\p{M}\p{S}\ufe0f]$/u;
const SYMBOL = /^\p{So}$/u;

/** A name as it is kept: composed, without space around it or twice within; or why it can't be one. */
export function spelled(name: string): string | { fault: NameFault } {
  const composed = trimmed(name).normalize("NFC");
  const chars = Array.from(composed);
  if (!chars.length) return { fault: "string-too-short" };
  if (chars.length > MAX_NAME) return { fault: "string-too-long" };
  if (!chars.every((char, at) => isSeen(char, chars[at - 1], chars[at + 1])))
    return { fault: "unseen-character" };
  return composed.replace(SPACE, " ");
}

function isSeen(char: string, before = "", after = ""): boolean {
  if (JOINER.test(char)) return JOINS.test(before) && JOINS.test(after);
  if (char === EMOJI) return SYMBOL.test(before);
  return !UNSEEN.test(char);
}

/** Two names are the same when their keys are: in any case, however spaced, without joiners. */
export function keyOf(name: string): string {
  const seen = Array.from(name.replace(JOINED, "").normalize("NFKC"));
  return trimmed(seen.map(folded).join("").normalize("NFKC").replace(SPACE, " "));
}

/** Case-folded: upper case first, which knows that ß is SS; the Turkish ı stays a letter of its own. */
function folded(char: string): string {
  return char === "ı" ? char : char.toUpperCase().toLowerCase();
}

function trimmed(text: string): string {
  return text.replace(EDGES, "");
}

// eslint-disable-next-line no-control-regex
const EDGES = /^[\p{White_Space}\x1c-\x1f]+|[\p{White_Space}\x1c-\x1f]+$/gu;
