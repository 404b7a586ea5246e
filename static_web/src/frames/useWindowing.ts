/** The window that an image is seen through, moved by dragging and by keys, and its frames as a film. */
import { useState } from "react";

import type { Handlers } from "@/keys/keyboard";

import type { Frames } from "./useFrames";

export interface Windowing {
  /** Whether dragging moves the window. */
  on: boolean;
  turn: (on: boolean) => void;
  commands: Handlers;
}

export function useWindowing(frames: Frames | null, itemId: string | undefined): Windowing {
  const [windowed, setWindowed] = useState("");
  const on = frames?.window != null && windowed === itemId;
  const turn = (on: boolean): void => setWindowed(on ? (itemId ?? "") : "");
  const commands: Handlers = {
    ...(frames && frames.count > 1 && { cine: () => frames.play(!frames.playing) }),
    ...(frames?.window && {
      windowing: () => turn(!on),
      invert: () => frames.setInverted(!frames.inverted),
      resetWindow: frames.reset,
    }),
  };
  return { on, turn, commands };
}
