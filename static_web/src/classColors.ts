/** Colours of classes: twelve hues of equal lightness, then the same hues with a dash pattern. */

/** How many can be told apart, as `COLOURS` of labeling/annotations/classes.py. */
export const COLOURS = 24;

// Ordered so that neighbours in the list are far apart, also for people who see fewer hues.
const HUES = [72, 230, 160, 25, 300, 110, 200, 345, 50, 265, 135, 0];

export interface ClassColor {
  color: string;
  /** True from the thirteenth class on: the mark is drawn with a hole. */
  dashed: boolean;
}

/** The colour at a place. */
export function classColor(place: number): ClassColor {
  const hue = HUES[place % HUES.length] ?? 0;
  return {
    color: `oklch(0.72 0.13 ${hue})`,
    dashed: place >= HUES.length,
  };
}
