/**
 * Every command that has a key, once: toolbars, tooltips, the help dialog, the shortcuts and their changing
 * read this list. Keys are physical places (`KeyS`), so they work on a Korean layout too; `keyMap.ts` holds
 * what a person has made of them.
 */

/** Where a command is in force: `label` on every labeling page, `grid` and `canvas` beside it on theirs. */
export type Place = "label" | "grid" | "canvas" | "projects" | "review";
export type Group =
  "classes" | "images" | "tools" | "shapes" | "page" | "view" | "projects" | "review";

export interface Command {
  id: string;
  place: Place;
  group: Group;
  keys: readonly string[];
  /** What the keys are called where `keys` would be too many to list. */
  shown?: string;
  /** Its keys mean something by themselves, and stay: digits, arrows, Esc. */
  fixed?: true;
  /** A key that is held down does it again and again. */
  repeats?: true;
}

const DIGITS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "0"];

export const commands = [
  {
    id: "class",
    place: "label",
    group: "classes",
    keys: DIGITS.flatMap((digit) => [`Digit${digit}`, `Numpad${digit}`]),
    shown: "1–9, 0",
    fixed: true,
  },
  { id: "findClass", place: "label", group: "classes", keys: ["Slash"] },
  { id: "attributes", place: "label", group: "classes", keys: ["KeyY"] },
  { id: "nothing", place: "label", group: "classes", keys: ["KeyN"] },
  { id: "clear", place: "grid", group: "classes", keys: ["KeyX"] },
  { id: "skip", place: "label", group: "classes", keys: ["KeyS"] },
  { id: "ask", place: "label", group: "classes", keys: ["KeyA"] },
  {
    id: "move",
    place: "grid",
    group: "images",
    keys: ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"],
    shown: "← → ↑ ↓",
    fixed: true,
    repeats: true,
  },
  {
    id: "extend",
    place: "grid",
    group: "images",
    keys: ["Shift+ArrowLeft", "Shift+ArrowRight", "Shift+ArrowUp", "Shift+ArrowDown"],
    shown: "Shift + ← → ↑ ↓",
    fixed: true,
    repeats: true,
  },
  { id: "selectAll", place: "grid", group: "images", keys: ["$mod+KeyA"] },
  { id: "clearSelection", place: "grid", group: "images", keys: ["Escape"], fixed: true },
  { id: "large", place: "grid", group: "images", keys: ["Space"] },
  { id: "select", place: "canvas", group: "tools", keys: ["KeyM", "KeyV"] },
  { id: "rectangle", place: "canvas", group: "tools", keys: ["KeyR", "KeyB"] },
  { id: "polygon", place: "canvas", group: "tools", keys: ["KeyP"] },
  { id: "editPoints", place: "canvas", group: "tools", keys: ["KeyU"] },
  { id: "template", place: "canvas", group: "tools", keys: ["KeyT"] },
  { id: "extremes", place: "canvas", group: "tools", keys: ["KeyE"] },
  { id: "freehand", place: "canvas", group: "tools", keys: ["KeyD"] },
  { id: "addPart", place: "canvas", group: "tools", keys: ["KeyO"] },
  { id: "cut", place: "canvas", group: "tools", keys: ["KeyX"] },
  { id: "split", place: "canvas", group: "tools", keys: ["KeyJ"] },
  { id: "clickOutline", place: "canvas", group: "tools", keys: ["Shift+KeyP"] },
  { id: "acceptAll", place: "canvas", group: "shapes", keys: ["Shift+KeyA"] },
  { id: "rejectAll", place: "canvas", group: "shapes", keys: ["Shift+KeyX"] },
  {
    id: "nudge",
    place: "canvas",
    group: "shapes",
    keys: ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"],
    shown: "← → ↑ ↓",
    fixed: true,
    repeats: true,
  },
  {
    id: "nudgeFar",
    place: "canvas",
    group: "shapes",
    keys: ["Shift+ArrowLeft", "Shift+ArrowRight", "Shift+ArrowUp", "Shift+ArrowDown"],
    shown: "Shift + ← → ↑ ↓",
    fixed: true,
    repeats: true,
  },
  {
    id: "nudgeFine",
    place: "canvas",
    group: "shapes",
    keys: ["$mod+ArrowLeft", "$mod+ArrowRight", "$mod+ArrowUp", "$mod+ArrowDown"],
    shown: "Ctrl + ← → ↑ ↓",
    fixed: true,
    repeats: true,
  },
  { id: "copy", place: "canvas", group: "shapes", keys: ["$mod+KeyC"] },
  { id: "paste", place: "canvas", group: "shapes", keys: ["$mod+KeyV"] },
  { id: "duplicate", place: "canvas", group: "shapes", keys: ["$mod+KeyD"] },
  { id: "selectAllShapes", place: "canvas", group: "shapes", keys: ["$mod+KeyA"] },
  { id: "merge", place: "canvas", group: "shapes", keys: ["KeyG"] },
  { id: "subtract", place: "canvas", group: "shapes", keys: ["Shift+KeyG"] },
  { id: "simplify", place: "canvas", group: "shapes", keys: ["KeyQ"] },
  { id: "untangle", place: "canvas", group: "shapes", keys: ["Shift+KeyQ"] },
  { id: "fitShape", place: "canvas", group: "shapes", keys: ["Shift+KeyE"] },
  { id: "lastPoint", place: "canvas", group: "shapes", keys: ["Backspace"], repeats: true },
  { id: "deleteShape", place: "canvas", group: "shapes", keys: ["Delete"] },
  { id: "deleteAll", place: "canvas", group: "shapes", keys: ["Shift+Delete"] },
  { id: "nextShape", place: "canvas", group: "shapes", keys: ["Tab"], fixed: true, repeats: true },
  {
    id: "previousShape",
    place: "canvas",
    group: "shapes",
    keys: ["Shift+Tab"],
    fixed: true,
    repeats: true,
  },
  { id: "leaveCanvas", place: "canvas", group: "shapes", keys: ["Escape"], fixed: true },
  { id: "lock", place: "canvas", group: "shapes", keys: ["KeyL"] },
  { id: "hide", place: "canvas", group: "view", keys: ["KeyH"] },
  { id: "fill", place: "canvas", group: "view", keys: ["Shift+KeyH"] },
  { id: "zoomToShape", place: "canvas", group: "view", keys: ["KeyZ"] },
  { id: "pan", place: "canvas", group: "view", keys: ["Space"], fixed: true },
  { id: "rotateLeft", place: "canvas", group: "view", keys: ["Comma"] },
  { id: "rotateRight", place: "canvas", group: "view", keys: ["Period"] },
  { id: "darker", place: "canvas", group: "view", keys: ["BracketLeft"], repeats: true },
  { id: "brighter", place: "canvas", group: "view", keys: ["BracketRight"], repeats: true },
  {
    id: "lessContrast",
    place: "canvas",
    group: "view",
    keys: ["Shift+BracketLeft"],
    repeats: true,
  },
  {
    id: "moreContrast",
    place: "canvas",
    group: "view",
    keys: ["Shift+BracketRight"],
    repeats: true,
  },
  { id: "plainImage", place: "canvas", group: "view", keys: ["Shift+KeyF"] },
  { id: "previousFrame", place: "label", group: "images", keys: ["Semicolon"], repeats: true },
  { id: "nextFrame", place: "label", group: "images", keys: ["Quote"], repeats: true },
  { id: "cine", place: "label", group: "images", keys: ["KeyC"] },
  { id: "copyToNextFrame", place: "canvas", group: "shapes", keys: ["Shift+Quote"] },
  { id: "windowing", place: "label", group: "view", keys: ["KeyW"] },
  { id: "invert", place: "label", group: "view", keys: ["Shift+KeyW"] },
  { id: "resetWindow", place: "label", group: "view", keys: ["Shift+KeyR"] },
  { id: "previousImage", place: "canvas", group: "page", keys: ["PageUp"] },
  { id: "nextImage", place: "canvas", group: "page", keys: ["PageDown"] },
  { id: "submit", place: "label", group: "page", keys: ["Enter"] },
  { id: "submitNow", place: "label", group: "page", keys: ["$mod+Enter"] },
  { id: "undo", place: "label", group: "page", keys: ["$mod+KeyZ"], repeats: true },
  {
    id: "redo",
    place: "label",
    group: "page",
    keys: ["$mod+Shift+KeyZ", "$mod+KeyY"],
    repeats: true,
  },
  { id: "instructions", place: "label", group: "view", keys: ["KeyI"] },
  { id: "rail", place: "label", group: "view", keys: ["Backslash"] },
  { id: "help", place: "label", group: "view", keys: ["Shift+Slash"] },
  { id: "skipPage", place: "grid", group: "classes", keys: ["Shift+KeyS"] },
  {
    id: "reason",
    place: "label",
    group: "classes",
    keys: ["Shift+Digit1", "Shift+Digit2", "Shift+Digit3", "Shift+Digit4"],
    shown: "Shift + 1–4",
    fixed: true,
  },
  {
    id: "zoomIn",
    place: "label",
    group: "view",
    keys: ["Equal", "Shift+Equal", "NumpadAdd"],
    shown: "+",
    repeats: true,
  },
  {
    id: "zoomOut",
    place: "label",
    group: "view",
    keys: ["Minus", "NumpadSubtract"],
    shown: "−",
    repeats: true,
  },
  { id: "zoomFit", place: "label", group: "view", keys: ["KeyF"] },
  { id: "quick", place: "grid", group: "view", keys: ["KeyQ"] },
  { id: "searchProjects", place: "projects", group: "projects", keys: ["Slash"] },
  { id: "nextItem", place: "review", group: "review", keys: ["KeyJ"], repeats: true },
  { id: "previousItem", place: "review", group: "review", keys: ["KeyK"], repeats: true },
  { id: "approveItem", place: "review", group: "review", keys: ["KeyA"] },
  { id: "rejectItem", place: "review", group: "review", keys: ["KeyR"] },
  { id: "selectAllItems", place: "review", group: "review", keys: ["$mod+KeyA"] },
  {
    id: "takeAnswer",
    place: "review",
    group: "review",
    keys: DIGITS.slice(0, 9).flatMap((digit) => [`Digit${digit}`, `Numpad${digit}`]),
    shown: "1–9",
    fixed: true,
  },
  { id: "mergeAnswers", place: "review", group: "review", keys: ["KeyM"] },
  { id: "closeItem", place: "review", group: "review", keys: ["Escape"], fixed: true },
] as const satisfies readonly Command[];

export type CommandId = (typeof commands)[number]["id"];

/** In the order they are listed to people. */
export const groups = [
  "classes",
  "images",
  "tools",
  "shapes",
  "page",
  "view",
  "projects",
  "review",
] as const satisfies readonly Group[];

/** The places that pages bind; of others nothing would be shown. */
export const boundPlaces: ReadonlySet<Place> = new Set([
  "label",
  "grid",
  "canvas",
  "projects",
  "review",
]);

export const commandOf = (id: CommandId): Command & { id: CommandId } =>
  byId.get(id) as Command & { id: CommandId };
const byId = new Map<string, Command>(commands.map((command) => [command.id, command]));

/** Whether commands of two places can be in force at the same time, so that they may share no key. */
export function meet(one: Place, other: Place): boolean {
  return one === other || covers(one, other) || covers(other, one);
}

/** The commands that are in force at a place. */
export function inForce(place: Place): (Command & { id: CommandId })[] {
  return commands.filter((one) => one.place === place || covers(one.place, place));
}

function covers(one: Place, other: Place): boolean {
  return one === "label" && (other === "grid" || other === "canvas");
}
