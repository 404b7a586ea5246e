import { useSyncExternalStore } from "react";

const portrait = window.matchMedia("(max-aspect-ratio: 1)");

/** Whether the window is higher than wide. */
export function usePortrait(): boolean {
  return useSyncExternalStore(subscribe, () => portrait.matches);
}

function subscribe(listener: () => void): () => void {
  portrait.addEventListener("change", listener);
  return () => portrait.removeEventListener("change", listener);
}
