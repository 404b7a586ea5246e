import { useEffect, useRef } from "react";
import { tinykeys } from "tinykeys";

import { commands, type CommandId, type Place } from "@/commands";

export type Handlers = Partial<Record<CommandId, (event: KeyboardEvent) => void>>;

/** Runs the commands of a place while it is shown, unless somebody is typing or a dialog is open. */
export function useCommands(place: Place, handlers: Handlers, enabled = true): void {
  const latest = useRef(handlers);
  useEffect(() => {
    latest.current = handlers;
  });
  useEffect(() => {
    if (!enabled) return;
    const bindings = commands
      .filter((command) => command.place === place)
      .flatMap((command) =>
        command.keys.map((key) => [
          key,
          (event: KeyboardEvent) => {
            const run = latest.current[command.id];
            if (!run || isTyping(event) || isForControl(event)) return;
            event.preventDefault();
            run(event);
          },
        ]),
      );
    return tinykeys(
      window,
      Object.fromEntries(bindings) as Record<string, (e: KeyboardEvent) => void>,
    );
  }, [place, enabled]);
}

function isTyping(event: KeyboardEvent): boolean {
  const target = event.target;
  return (
    event.isComposing ||
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
