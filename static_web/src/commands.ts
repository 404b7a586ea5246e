/**
 * Every command that has a key, once: toolbars, tooltips, the help dialog and the shortcuts read this list.
 * Keys are physical places (`KeyS`), so they work on a Korean layout too.
 */

export type Place = "label" | "projects";
export type Group = "classes" | "images" | "page" | "view";

export interface Command {
  id: string;
  place: Place;
  group: Group;
  keys: readonly string[];
  /** What the keys are called where `keys` would be too many to list. */
  shown?: string;
}

const DIGITS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "0"];

export const commands = [
  {
    id: "class",
    place: "label",
    group: "classes",
    keys: DIGITS.flatMap((digit) => [`Digit${digit}`, `Numpad${digit}`]),
    shown: "1–9, 0",
  },
  { id: "findClass", place: "label", group: "classes", keys: ["Slash"] },
  { id: "nothing", place: "label", group: "classes", keys: ["KeyN"] },
  { id: "clear", place: "label", group: "classes", keys: ["KeyX"] },
  { id: "skip", place: "label", group: "classes", keys: ["KeyS"] },
  { id: "ask", place: "label", group: "classes", keys: ["KeyA"] },
  {
    id: "move",
    place: "label",
    group: "images",
    keys: ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"],
    shown: "← → ↑ ↓",
  },
  {
    id: "extend",
    place: "label",
    group: "images",
    keys: ["Shift+ArrowLeft", "Shift+ArrowRight", "Shift+ArrowUp", "Shift+ArrowDown"],
    shown: "Shift + ← → ↑ ↓",
  },
  { id: "selectAll", place: "label", group: "images", keys: ["$mod+KeyA"] },
  { id: "clearSelection", place: "label", group: "images", keys: ["Escape"] },
  { id: "large", place: "label", group: "images", keys: ["Space"] },
  { id: "submit", place: "label", group: "page", keys: ["Enter"] },
  { id: "submitNow", place: "label", group: "page", keys: ["$mod+Enter"] },
  { id: "undo", place: "label", group: "page", keys: ["$mod+KeyZ"] },
  { id: "redo", place: "label", group: "page", keys: ["$mod+Shift+KeyZ", "$mod+KeyY"] },
  { id: "instructions", place: "label", group: "view", keys: ["KeyI"] },
  { id: "rail", place: "label", group: "view", keys: ["Backslash"] },
  { id: "help", place: "label", group: "view", keys: ["Shift+Slash"] },
  { id: "skipPage", place: "label", group: "classes", keys: ["Shift+KeyS"] },
  {
    id: "reason",
    place: "label",
    group: "classes",
    keys: ["Shift+Digit1", "Shift+Digit2", "Shift+Digit3", "Shift+Digit4"],
    shown: "Shift + 1–4",
  },
  {
    id: "zoomIn",
    place: "label",
    group: "view",
    keys: ["Equal", "Shift+Equal", "NumpadAdd"],
    shown: "+",
  },
  {
    id: "zoomOut",
    place: "label",
    group: "view",
    keys: ["Minus", "NumpadSubtract"],
    shown: "−",
  },
  { id: "zoomFit", place: "label", group: "view", keys: ["KeyF"] },
  { id: "quick", place: "label", group: "view", keys: ["KeyQ"] },
  { id: "searchProjects", place: "projects", group: "view", keys: ["Slash"] },
] as const satisfies readonly Command[];

export type CommandId = (typeof commands)[number]["id"];

const byId = new Map<string, Command>(commands.map((command) => [command.id, command]));

/** How the first key of a command is written on its control. */
export function keyName(id: CommandId): string {
  const command = byId.get(id);
  return command?.shown ?? written(command?.keys[0] ?? "");
}

const NAMES: Record<string, string> = {
  $mod: /Mac|iPhone|iPad/.test(globalThis.navigator.userAgent) ? "⌘" : "Ctrl",
  Slash: "/",
  Backslash: "\\",
  Escape: "Esc",
};

function written(keys: string): string {
  if (keys === "Shift+Slash") return "?";
  return keys
    .split("+")
    .map((key) => NAMES[key] ?? key.replace(/^(Key|Digit)/, ""))
    .join(" + ");
}
