// @vitest-environment jsdom
import { act, fireEvent, renderHook } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { commandOf, commands, meet, type CommandId } from "@/keys/commands";
import { useCommands } from "@/keys/keyboard";
import {
  activeKeys,
  changeKeys,
  combinationOf,
  keyMap,
  keysOf,
  sharing,
  shownKey,
  swap,
  take,
  untouched,
  unusable,
  useKey,
} from "@/keys/keyMap";

beforeEach(() => changeKeys(untouched));
afterEach(() => {
  vi.resetModules();
  localStorage.clear();
});

describe("the list of commands", () => {
  it("has each id once, and gives no key to two commands that can be in force together", () => {
    expect(new Set(commands.map((one) => one.id)).size).toBe(commands.length);
    const shared = commands.flatMap((one, at) =>
      commands
        .slice(at + 1)
        .filter((other) => meet(one.place, other.place))
        .filter((other) => one.keys.some((key) => (other.keys as readonly string[]).includes(key)))
        .map((other) => [one.id, other.id]),
    );
    expect(shared).toEqual([]);
  });

  it("lets the grid and the canvas have the same key, but none of what both have in common", () => {
    expect(meet("grid", "canvas")).toBe(false);
    expect(meet("label", "canvas")).toBe(true);
    expect(meet("label", "projects")).toBe(false);
  });

  it("writes keys as they are on the keyboard", () => {
    const names = (["skip", "help", "undo", "class", "move"] as const).map(
      (id) => shownKey(untouched, id).name,
    );
    expect(names).toEqual(["S", "?", "Ctrl + Z", "1–9, 0", "← → ↑ ↓"]);
    expect(shownKey(untouched, "redo").aria).toBe("Control+Shift+Z Control+Y");
  });
});

function pressed(change: KeyboardEventInit): KeyboardEvent {
  return new KeyboardEvent("keydown", change);
}

describe("the keyboard", () => {
  it("goes by the place of a key, so that Hangul does not matter", () => {
    const nothing = vi.fn();
    renderHook(() => useCommands("grid", { nothing }));
    fireEvent.keyDown(window, { key: "ㅜ", code: "KeyN" });
    expect(nothing).toHaveBeenCalledOnce();
  });

  it("stays out of what is typed or composed, and of other key combinations", () => {
    const skip = vi.fn();
    renderHook(() => useCommands("grid", { skip }));
    const input = document.body.appendChild(document.createElement("input"));
    fireEvent.keyDown(input, { key: "s", code: "KeyS" });
    fireEvent.keyDown(document.body, { key: "s", code: "KeyS", isComposing: true });
    fireEvent.keyDown(document.body, { key: "Process", code: "KeyS", keyCode: 229 });
    fireEvent.keyDown(document.body, { key: "s", code: "KeyS", ctrlKey: true });
    expect(skip).not.toHaveBeenCalled();
    input.remove();
  });

  it("does a thing once while its key is held, but moves on and on", () => {
    const skip = vi.fn();
    const move = vi.fn();
    renderHook(() => useCommands("grid", { skip, move }));
    fireEvent.keyDown(window, { code: "KeyS" });
    fireEvent.keyDown(window, { code: "KeyS", repeat: true });
    fireEvent.keyDown(window, { code: "ArrowDown" });
    fireEvent.keyDown(window, { code: "ArrowDown", repeat: true });
    expect([skip.mock.calls.length, move.mock.calls.length]).toEqual([1, 2]);
  });

  it("takes both Enter keys, and leaves Enter to the button that has the focus", () => {
    const submit = vi.fn();
    renderHook(() => useCommands("grid", { submit }));
    const button = document.body.appendChild(document.createElement("button"));
    fireEvent.keyDown(button, { key: "Enter", code: "Enter" });
    expect(submit).not.toHaveBeenCalled();
    fireEvent.keyDown(document.body, { key: "Enter", code: "Enter" });
    fireEvent.keyDown(document.body, { key: "Enter", code: "NumpadEnter" });
    expect(submit).toHaveBeenCalledTimes(2);
    button.remove();
  });

  it("follows what a person has changed at once", () => {
    const skip = vi.fn();
    renderHook(() => useCommands("grid", { skip }));
    const { result } = renderHook(() => useKey("skip"));
    act(() => changeKeys(take(keyMap(), "skip", ["KeyK"])));
    fireEvent.keyDown(window, { code: "KeyS" });
    expect(skip).not.toHaveBeenCalled();
    fireEvent.keyDown(window, { code: "KeyK" });
    expect(skip).toHaveBeenCalledOnce();
    expect(result.current).toEqual({ name: "K", aria: "K" });
  });

  it("does nothing on single keys once they are switched off, but on all others", () => {
    const handlers = { class: vi.fn(), skip: vi.fn(), help: vi.fn(), submit: vi.fn() };
    const others = { undo: vi.fn(), move: vi.fn(), large: vi.fn(), clearSelection: vi.fn() };
    renderHook(() => useCommands("grid", { ...handlers, ...others }));
    act(() => changeKeys({ ...untouched, singleKeys: false }));
    for (const code of ["Digit1", "Numpad1", "KeyS"]) fireEvent.keyDown(window, { code });
    fireEvent.keyDown(window, { code: "Slash", shiftKey: true });
    for (const code of ["Enter", "ArrowLeft", "Space", "Escape"])
      fireEvent.keyDown(window, { code });
    fireEvent.keyDown(window, { code: "KeyZ", ctrlKey: true });
    expect(Object.values(handlers).map((one) => one.mock.calls.length)).toEqual([0, 0, 0, 1]);
    expect(Object.values(others).map((one) => one.mock.calls.length)).toEqual([1, 1, 1, 1]);
    expect(shownKey(keyMap(), "skip")).toEqual({ name: "", aria: undefined });
  });
});

describe("changing keys", () => {
  it("reads a press as modifiers in one order and the physical key", () => {
    expect(combinationOf(pressed({ code: "KeyZ", shiftKey: true, ctrlKey: true }))).toBe(
      "$mod+Shift+KeyZ",
    );
    expect(combinationOf(pressed({ code: "ShiftLeft", shiftKey: true }))).toBeNull();
  });

  it.each([
    ["$mod+KeyT", "reserved"],
    ["Alt+ArrowLeft", "reserved"],
    ["F5", "reserved"],
    ["Tab", "reserved"],
    ["Meta+KeyL", "reserved"],
    ["$mod+Space", "hangul"],
    ["Shift+Space", "hangul"],
    ["AltRight", "hangul"],
    ["Lang1", "hangul"],
    ["Digit3", "digit"],
    ["ArrowUp", "fixed"],
    ["KeyK", null],
    ["$mod+KeyM", null],
    ["Alt+KeyK", null],
  ])("says of %s: %s", (combination, why) => {
    expect(unusable(combination)).toBe(why);
  });

  it("finds who has a key, and takes it away or swaps", () => {
    expect(sharing(untouched, "skip", ["KeyA"])).toEqual(["ask"]);
    const taken = take(untouched, "skip", ["KeyA"]);
    expect([keysOf(taken, "skip"), keysOf(taken, "ask")]).toEqual([["KeyA"], []]);
    const swapped = swap(untouched, "skip", ["KeyA"]);
    expect(swapped && [keysOf(swapped, "skip"), keysOf(swapped, "ask")]).toEqual([
      ["KeyA"],
      ["KeyS"],
    ]);
  });

  it("swaps one of two keys, and leaves the other", () => {
    const swapped = swap(untouched, "skip", ["$mod+KeyY"]);
    expect(swapped && keysOf(swapped, "redo")).toEqual(["$mod+Shift+KeyZ", "KeyS"]);
  });

  it("forgets a change that leads back to where it began", () => {
    const there = take(untouched, "skip", ["KeyK"]);
    expect(take(there, "skip", ["KeyS"])).toEqual(untouched);
  });

  it("never leaves two commands with one key, whatever is taken in whatever order", () => {
    const ids: CommandId[] = [
      "skip",
      "ask",
      "clear",
      "large",
      "selectAll",
      "redo",
      "searchProjects",
    ];
    const keys = ["KeyA", "KeyS", "KeyX", "Space", "KeyK", "$mod+KeyA", "$mod+KeyY", "Slash"];
    let map = untouched;
    let seed = 7;
    const pick = <T>(from: readonly T[]): T => {
      seed = (seed * 48_271) % 2_147_483_647;
      return from[seed % from.length] as T;
    };
    for (let turn = 0; turn < 500; turn += 1) {
      const id = pick(ids);
      const wanted = [pick(keys)];
      map = (turn % 3 ? null : swap(map, id, wanted)) ?? take(map, id, wanted);
      for (const one of commands)
        expect(sharing(map, one.id, keysOf(map, one.id)), `${turn} ${one.id}`).toEqual([]);
    }
  });
});

describe("what is kept of them", () => {
  async function readBack(stored: unknown) {
    localStorage.setItem("labelry.keys", JSON.stringify(stored));
    vi.resetModules();
    const again = await import("@/keys/keyMap");
    return (id: CommandId) => again.activeKeys(again.keyMap(), id);
  }

  it("is there after the page is loaded again", async () => {
    changeKeys({ ...take(untouched, "skip", ["$mod+KeyM"]), singleKeys: false });
    const keys = await readBack(JSON.parse(localStorage.getItem("labelry.keys") ?? ""));
    expect([keys("skip"), keys("ask")]).toEqual([["$mod+KeyM"], []]);
  });

  it("is ignored where it means nothing here, cannot be pressed, or is given twice", async () => {
    const keys = await readBack({
      version: 1,
      keys: {
        skip: ["KeyK"],
        ask: ["KeyK"],
        undo: ["$mod+KeyW"],
        move: ["KeyJ"],
        gone: ["KeyG"],
        large: 7,
      },
    });
    const given = [keys("skip"), keys("ask")].flat();
    expect(given.filter((key) => key === "KeyK")).toHaveLength(1);
    expect([keys("undo"), keys("large")]).toEqual([["$mod+KeyZ"], ["Space"]]);
    expect(keys("move")).toEqual(commandOf("move").keys);
  });

  it("is ignored as a whole from another version, or where it is no JSON", async () => {
    expect((await readBack({ version: 2, keys: { skip: ["KeyK"] } }))("skip")).toEqual(["KeyS"]);
    localStorage.setItem("labelry.keys", "{");
    vi.resetModules();
    const again = await import("@/keys/keyMap");
    expect(again.keyMap()).toEqual(untouched);
  });

  it("stands above a key that a later version gives to another command", async () => {
    const keys = await readBack({ version: 1, keys: { skip: ["KeyX"] } });
    expect([keys("skip"), keys("clear")]).toEqual([["KeyX"], []]);
    expect(activeKeys(untouched, "clear")).toEqual(["KeyX"]);
  });
});
