import { makeStyles } from "@fluentui/react-components";
import { useRef, useState, type PointerEvent, type ReactNode } from "react";

import { dragged } from "./light";
import type { Frames } from "./useFrames";
import { wheelSteps } from "./wheel";

const useStyles = makeStyles({
  over: { position: "absolute", inset: 0, cursor: "move", touchAction: "none" },
});

interface Props {
  frames: Frames;
  onPoint: (event: PointerEvent<HTMLDivElement> | null) => void;
  onStep: (by: 1 | -1) => void;
}

/**
 * Lies over the image while the window is moved by dragging: across for its width, up and down for its level.
 * The wheel goes through the frames.
 */
export function WindowDrag({ frames, onPoint, onStep }: Props): ReactNode {
  const styles = useStyles();
  const [steps] = useState(wheelSteps);
  const from = useRef<{ x: number; y: number; frames: Frames } | null>(null);
  const move = (event: PointerEvent<HTMLDivElement>): void => {
    onPoint(event);
    const start = from.current;
    const grey = start?.frames.grey;
    if (!start?.frames.window || !grey) return;
    const { clientWidth: width, clientHeight: height } = event.currentTarget;
    const across = (event.clientX - start.x) / Math.max(width, 1);
    const down = (event.clientY - start.y) / Math.max(height, 1);
    frames.setWindow(dragged(start.frames.window, grey, across, down));
  };
  return (
    <div
      role="presentation"
      data-testid="window-drag"
      className={styles.over}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        from.current = { x: event.clientX, y: event.clientY, frames };
      }}
      onPointerMove={move}
      onDoubleClick={(event) => event.stopPropagation()}
      onPointerLeave={() => onPoint(null)}
      onWheel={(event) => {
        const step = steps(event);
        if (step) onStep(step);
      }}
      onPointerUp={() => (from.current = null)}
      onPointerCancel={() => (from.current = null)}
    />
  );
}
