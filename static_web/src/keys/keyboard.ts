import { useEffect, useRef } from "react";

import { inForce, type CommandId, type Place } from "./commands";
import { activeKeys, combinationOf, keyMap } from "./keyMap";

export type Handlers = Partial<Record<CommandId, (event: KeyboardEvent) => void>>;

/** Runs the commands in force at a place while it is shown, unless somebody types or a dialog is open. */
export function useCommands(place: Place, handlers: Handlers, enabled = true): void {
  const latest = useRef(handlers);
  useEffect(() => {
    latest.current = handlers;
  });
  useEffect(() => {
    if (!enabled) return;
    const onKeyDown = (event: KeyboardEvent) => {
      const combination = isComposing(event) ? null : combinationOf(event);
      if (!combination || isTyping(event) || isForControl(event)) return;
      const map = keyMap();
      const command = inForce(place).find((one) => activeKeys(map, one.id).includes(combination));
      const run = command && latest.current[command.id];
      if (!run) return;
      event.preventDefault();
      if (!event.repeat || command.repeats) run(event);
    };
    window.addEventListener("keydown", onKeyDown);
    return () => window.removeEventListener("keydown", onKeyDown);
  }, [place, enabled]);
}

const COMPOSING = 229; // the key code of all keys that an input method is still working on

/** Whether a syllable is being put together: its keys belong to the input method. */
export function isComposing(event: KeyboardEvent): boolean {
  // Some browsers end the composition before they tell of the key that ended it: only the code says so.
  // eslint-disable-next-line @typescript-eslint/no-deprecated
  return event.isComposing || event.keyCode === COMPOSING;
}

function isTyping(event: KeyboardEvent): boolean {
  const target = event.target;
  return (
    event.defaultPrevented ||
    (target instanceof HTMLElement &&
      (target.isContentEditable ||
        target.closest("input, textarea, select, [role=combobox], [role=dialog], [role=menu]") !==
          null))
  );
}

/** Enter and Space belong to the button that has the focus. */
function isForControl(event: KeyboardEvent): boolean {
  return (
    (event.code === "Enter" || event.code === "NumpadEnter" || event.code === "Space") &&
    !event.ctrlKey &&
    !event.metaKey &&
    event.target instanceof HTMLElement &&
    event.target.closest("button, a, summary") !== null
  );
}
