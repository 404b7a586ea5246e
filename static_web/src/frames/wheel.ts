const LINES_PX = 16;
/** A touchpad gives many small turns, a mouse one large one a notch. */
const STEP_PX = 40;

/** Turns of a wheel as steps through frames: 1 down, -1 up, 0 not yet. */
export function wheelSteps(): (event: { deltaY: number; deltaMode: number }) => -1 | 0 | 1 {
  let turned = 0;
  return ({ deltaY, deltaMode }) => {
    turned += deltaY * (deltaMode === WheelEvent.DOM_DELTA_LINE ? LINES_PX : 1);
    if (Math.abs(turned) < STEP_PX) return 0;
    const step = turned > 0 ? 1 : -1;
    turned = 0;
    return step;
  };
}
