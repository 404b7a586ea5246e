/** Going through the frames of an image while one draws on them. */
import { useTranslation } from "react-i18next";

import { newId } from "@/api/client";
import type { Frames } from "@/frames/useFrames";
import type { Handlers } from "@/keys/keyboard";
import { announce, announceAtRest } from "@/ui/announcer";

import { clock, type Deeds } from "../useDeeds";
import type { OnImage } from "./useOnImage";

export interface FrameDeeds {
  /** To a frame that is there, unless something half drawn would get lost. */
  goTo: (frame: number) => void;
  commands: Handlers;
}

export function useFrameDeeds(
  { itemId, frame, everywhere, shapes, selection }: OnImage,
  frames: Frames | null,
  {
    act,
    isFinished,
    onGo,
    hint,
  }: {
    act: Deeds["act"];
    isFinished: () => boolean;
    onGo: () => void;
    hint: (text: string) => void;
  },
): FrameDeeds {
  const { t } = useTranslation();
  const goTo = (next: number): void => {
    if (!frames || next === frame || next < 0 || next >= frames.count || !isFinished()) return;
    onGo();
    frames.go(next);
    announceAtRest(t("frames.of", { frame: next + 1, count: frames.count }));
  };
  /** A key that is held goes no faster than the frames come, so that all of them are seen. */
  const scroll = (by: 1 | -1, held: boolean): void => {
    if (!held || frames?.view) goTo(frame + by);
  };
  /** What is selected on this frame, or all of it, once more on the next one. */
  const copyToNextFrame = (): void => {
    if (!frames || itemId === undefined || !isFinished()) return;
    if (frame + 1 >= frames.count) {
      hint(t("frames.last"));
      return;
    }
    const some = selection.length > 0 ? new Set(selection) : null;
    const copies = shapes
      .filter((one) => !some || some.has(one.annotation_id))
      .map((one) => ({ ...one, annotation_id: newId("a"), frame: frame + 1, origin: null }));
    if (!copies.length) {
      hint(t("canvas.noShapes"));
      return;
    }
    const annotations = [...everywhere, ...copies];
    if (!act({ type: "annotate", itemId, annotations, at: clock() })) return;
    frames.go(frame + 1);
    announce(t("frames.copied", { count: copies.length, frame: frame + 2 }));
  };
  const commands: Handlers =
    frames && frames.count > 1
      ? {
          previousFrame: (event) => scroll(-1, event.repeat),
          nextFrame: (event) => scroll(1, event.repeat),
          copyToNextFrame,
        }
      : {};
  return { goTo, commands };
}
