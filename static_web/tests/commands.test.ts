import { fireEvent, renderHook } from "@testing-library/react";
import { describe, expect, it, vi } from "vitest";

import { commands, keyName } from "@/commands";
import { useCommands } from "@/keyboard";

describe("the list of commands", () => {
  it("has each id once, and each key once in a place", () => {
    expect(new Set(commands.map((one) => one.id)).size).toBe(commands.length);
    for (const place of new Set(commands.map((one) => one.place))) {
      const keys = commands.filter((one) => one.place === place).flatMap((one) => one.keys);
      expect(new Set(keys).size).toBe(keys.length);
    }
  });

  it("writes keys as they are on the keyboard", () => {
    expect((["skip", "help", "undo", "class"] as const).map(keyName)).toEqual([
      "S",
      "?",
      "Ctrl + Z",
      "1–9, 0",
    ]);
  });
});

describe("the keyboard", () => {
  it("goes by the place of a key, so that Hangul does not matter", () => {
    const skip = vi.fn();
    renderHook(() => useCommands("label", { skip }));
    fireEvent.keyDown(window, { key: "ㄴ", code: "KeyS" });
    expect(skip).toHaveBeenCalledOnce();
  });

  it("stays out of what is typed or composed, and of other key combinations", () => {
    const skip = vi.fn();
    renderHook(() => useCommands("label", { skip }));
    const input = document.body.appendChild(document.createElement("input"));
    fireEvent.keyDown(input, { key: "s", code: "KeyS" });
    fireEvent.keyDown(document.body, { key: "s", code: "KeyS", isComposing: true });
    fireEvent.keyDown(document.body, { key: "s", code: "KeyS", ctrlKey: true });
    expect(skip).not.toHaveBeenCalled();
    input.remove();
  });

  it("leaves Enter to the button that has the focus", () => {
    const submit = vi.fn();
    renderHook(() => useCommands("label", { submit }));
    const button = document.body.appendChild(document.createElement("button"));
    fireEvent.keyDown(button, { key: "Enter", code: "Enter" });
    expect(submit).not.toHaveBeenCalled();
    fireEvent.keyDown(document.body, { key: "Enter", code: "Enter" });
    expect(submit).toHaveBeenCalledOnce();
    button.remove();
  });
});
