/**
 * Which keys do what, for the person at this browser: the keys of commands.ts, with what was changed.
 *
 * A combination is written as `$mod+Alt+Shift+KeyS`: modifiers in this order, then the physical key
 * (`KeyboardEvent.code`); `$mod` is Cmd on a Mac and Ctrl elsewhere.
 */
import { useSyncExternalStore } from "react";

import { boundPlaces, commandOf, commands, meet, type CommandId } from "./commands";

export interface KeyMap {
  /** What a person changed; all other commands have the keys of commands.ts. */
  changed: Readonly<Partial<Record<CommandId, readonly string[]>>>;
  /** False: keys without Ctrl, Alt or Cmd that write something do nothing (WCAG 2.1.4). */
  singleKeys: boolean;
}

export const untouched: KeyMap = { changed: {}, singleKeys: true };

const isMac = /Mac|iPhone|iPad/.test(globalThis.navigator.userAgent);

/** The combination of a key press; null while only modifiers are down. */
export function combinationOf(event: KeyboardEvent): string | null {
  if (!event.code || /^(Shift|Control|Alt|Meta|OS)(Left|Right)?$|Lock$|^Fn/.test(event.code))
    return null;
  const mod = isMac ? event.metaKey : event.ctrlKey;
  const other = isMac ? event.ctrlKey && "Control" : event.metaKey && "Meta";
  return [
    mod && "$mod",
    other,
    event.altKey && "Alt",
    event.shiftKey && "Shift",
    event.code === "NumpadEnter" ? "Enter" : event.code,
  ]
    .filter(Boolean)
    .join("+");
}

/** Whether a combination alone writes something: a letter, a digit, a sign. */
export function isSingleKey(combination: string): boolean {
  const { mods, code } = parts(combination);
  return (
    !mods.some((mod) => mod !== "Shift") &&
    /^(Key|Digit|Numpad(?!Enter)|Intl|Bracket|Slash|Backslash|Comma|Period|Semicolon|Quote|Minus|Equal|Backquote)/.test(
      code,
    )
  );
}

export type Unusable = "reserved" | "hangul" | "digit" | "fixed";

// What browsers and systems keep for themselves, or what people rely on there: tabs, windows, printing,
// finding, reloading, zooming, copying, the address, developer tools.
const RESERVED = new Set([
  ..."TWNRLPFGHJKQDOUSCVX".split("").map((letter) => `$mod+Key${letter}`),
  ..."TWNRIJCPQBOAV".split("").map((letter) => `$mod+Shift+Key${letter}`),
  ..."0123456789".split("").flatMap((digit) => [`$mod+Digit${digit}`, `$mod+Numpad${digit}`]),
  ..."FEDHT".split("").map((letter) => `Alt+Key${letter}`),
  "$mod+Minus",
  "$mod+Equal",
  "$mod+Tab",
  "$mod+Shift+Tab",
  "$mod+F4",
  "Alt+F4",
  "Alt+Tab",
  "Alt+ArrowLeft",
  "Alt+ArrowRight",
  "Alt+Home",
  "Alt+Space",
  "$mod+Alt+Delete",
  "Tab",
  "Shift+Tab",
  "Escape",
  "ContextMenu",
  "PrintScreen",
]);

/** Why a combination can't be given to a command; null: it can. */
export function unusable(combination: string): Unusable | null {
  const { mods, code } = parts(combination);
  // These switch between Hangul and Latin letters, or write Hanja.
  if (code === "Space" && mods.length) return "hangul";
  if (/^(AltRight|Lang\d|HangulMode|Hanja|KanaMode|Convert|NonConvert)$/.test(code))
    return "hangul";
  if (mods.includes("Meta") || mods.includes("Control")) return "reserved";
  if (RESERVED.has(combination) || /^F\d+$/.test(code)) return "reserved";
  if (!mods.length && /^(Digit|Numpad)\d$/.test(code)) return "digit";
  if (/^(Shift\+)?Arrow/.test(combination)) return "fixed";
  return null;
}

/** The keys of a command, also those that are switched off. */
export function keysOf(map: KeyMap, id: CommandId): readonly string[] {
  const own = map.changed[id];
  if (own) return own;
  // What a person chose stands above what a later version of the list gives to another command.
  return commandOf(id).keys.filter(
    (key) => !sharing(map, id, [key]).some((other) => map.changed[other]),
  );
}

/** The keys of a command that do something. */
export function activeKeys(map: KeyMap, id: CommandId): readonly string[] {
  const keys = keysOf(map, id);
  return map.singleKeys ? keys : keys.filter((key) => !isSingleKey(key));
}

/** Other commands that would be in force with this one and have one of these keys. */
export function sharing(map: KeyMap, id: CommandId, keys: readonly string[]): CommandId[] {
  const { place } = commandOf(id);
  return commands
    .filter((one) => one.id !== id && boundPlaces.has(one.place) && meet(one.place, place))
    .filter((one) => {
      const theirs: readonly string[] = map.changed[one.id] ?? one.keys;
      return theirs.some((key) => keys.includes(key));
    })
    .map((one) => one.id);
}

/** Gives keys to a command and takes them from all that had them. */
export function take(map: KeyMap, id: CommandId, keys: readonly string[]): KeyMap {
  const changed = { ...map.changed, [id]: keys };
  for (const other of sharing(map, id, keys))
    changed[other] = keysOf(map, other).filter((key) => !keys.includes(key));
  return tidy({ ...map, changed });
}

/** Gives keys to a command, and its own first key to the one that had them; null where that can't be. */
export function swap(map: KeyMap, id: CommandId, keys: readonly string[]): KeyMap | null {
  const [other, ...more] = sharing(map, id, keys);
  const [given] = keysOf(map, id);
  if (!other || more.length || !given || commandOf(other).fixed) return null;
  const theirs = keysOf(map, other).map((key) => (keys.includes(key) ? given : key));
  const swapped = { ...map, changed: { ...map.changed, [id]: keys, [other]: theirs } };
  return sharing(swapped, other, theirs).length ? null : tidy(swapped);
}

/** Without the changes that change nothing. */
function tidy(map: KeyMap): KeyMap {
  const changed = Object.entries(map.changed).filter(
    ([id, keys]) => keys.join() !== commandOf(id as CommandId).keys.join(),
  );
  return { ...map, changed: Object.fromEntries(changed) };
}

function parts(combination: string): { mods: string[]; code: string } {
  const mods = combination.split("+");
  return { code: mods.pop() ?? "", mods };
}

const REMEMBERED = "labelry.keys";
const VERSION = 1;

function remembered(): KeyMap {
  try {
    return read(JSON.parse(localStorage.getItem(REMEMBERED) ?? "null"));
  } catch {
    return untouched;
  }
}

/** What was stored, as far as it means something to this version. */
function read(stored: unknown): KeyMap {
  if (!isRecord(stored) || stored["version"] !== VERSION) return untouched;
  let map: KeyMap = { changed: {}, singleKeys: stored["singleKeys"] !== false };
  if (!isRecord(stored["keys"])) return map;
  for (const { id, fixed } of commands as readonly { id: CommandId; fixed?: true }[]) {
    const keys = stored["keys"][id];
    if (fixed || !Array.isArray(keys) || !keys.every((key) => typeof key === "string")) continue;
    const { keys: defaults } = commandOf(id);
    const usable = keys.filter((key) => defaults.includes(key) || !unusable(key));
    if (keys.length && !usable.length) continue;
    const taken = sharing(map, id, usable).some(
      (other) => map.changed[other] ?? commandOf(other).fixed,
    );
    if (!taken) map = { ...map, changed: { ...map.changed, [id]: usable } };
  }
  return map;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

let current = remembered();
const listeners = new Set<() => void>();

export const keyMap = (): KeyMap => current;

export function changeKeys(map: KeyMap): void {
  current = map;
  localStorage.setItem(
    REMEMBERED,
    JSON.stringify({ version: VERSION, singleKeys: map.singleKeys, keys: map.changed }),
  );
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

// Another tab changed them.
window.addEventListener("storage", (event) => {
  if (event.key !== REMEMBERED && event.key !== null) return;
  current = remembered();
  for (const listener of listeners) listener();
});

/** The keys as they are, again whenever they change. */
export function useKeyMap(): KeyMap {
  return useSyncExternalStore(subscribe, keyMap);
}

export interface ShownKey {
  /** For people: `Ctrl + Z`; empty where the command has no key, or only ones that are switched off. */
  name: string;
  /** For screen readers. */
  aria: string | undefined;
}

/** How the key of a command is written on its control. */
export function useKey(id: CommandId): ShownKey {
  return shownKey(useKeyMap(), id);
}

export function shownKey(map: KeyMap, id: CommandId): ShownKey {
  const { shown } = commandOf(id);
  const keys = activeKeys(map, id);
  return {
    name: keys.length && shown ? shown : written(keys[0] ?? ""),
    aria: [...new Set(keys.map(spoken))].join(" ") || undefined,
  };
}

const SIGNS: Record<string, string> = {
  Slash: "/",
  Backslash: "\\",
  Comma: ",",
  Period: ".",
  Semicolon: ";",
  Quote: "'",
  BracketLeft: "[",
  BracketRight: "]",
  Minus: "-",
  Equal: "=",
  Backquote: "`",
};

const NAMES: Record<string, string> = {
  ...SIGNS,
  $mod: isMac ? "⌘" : "Ctrl",
  Alt: isMac ? "⌥" : "Alt",
  Escape: "Esc",
  ArrowLeft: "←",
  ArrowRight: "→",
  ArrowUp: "↑",
  ArrowDown: "↓",
};

/** A combination as it is printed on the keys. */
export function written(combination: string): string {
  if (combination === "Shift+Slash") return "?";
  return combination
    .split("+")
    .map((key) => NAMES[key] ?? key.replace(/^(Key|Digit)/, "").replace(/^Numpad/, "Num "))
    .join(" + ");
}

/** A combination as `aria-keyshortcuts` has it. */
function spoken(combination: string): string {
  if (combination === "Shift+Slash") return "?";
  return combination
    .split("+")
    .map((key) => {
      if (key === "$mod") return isMac ? "Meta" : "Control";
      return SIGNS[key] ?? key.replace(/^(Key|Digit|Numpad(?=\d))/, "");
    })
    .join("+");
}
