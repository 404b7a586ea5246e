/** How stored values become light: the same as `labeling/media/frames.py` does for the preview. */
import type { components } from "@/api/schema";

export type Grey = components["schemas"]["Grey"];
export type Window = components["schemas"]["Window"];

export type Values = Uint8Array | Uint16Array | Int16Array;

const LEAST: Record<Grey["type"], number> = { uint8: 0, uint16: 0, int16: -32_768 };
const COUNT: Record<Grey["type"], number> = { uint8: 256, uint16: 65_536, int16: 65_536 };

/** The values of a file of them. The API writes little endian, as every browser's machine reads. */
export function valuesOf(type: Grey["type"], data: ArrayBuffer): Values {
  if (type === "uint8") return new Uint8Array(data);
  return type === "int16" ? new Int16Array(data) : new Uint16Array(data);
}

/** Light in [0, 1]; `value` is in the unit of the image. Source: DICOM PS3.3, C.11.2.1.2 and C.11.2.1.3. */
export function lightOf(value: number, { center, width, function: how }: Window): number {
  if (how === "sigmoid") return 1 / (1 + Math.exp((-4 * (value - center)) / width));
  const light =
    how === "linear_exact"
      ? (value - center) / width + 0.5
      : width > 1
        ? (value - (center - 0.5)) / (width - 1) + 0.5
        : Number(value > center - 0.5);
  return Math.min(1, Math.max(0, light));
}

/** An opaque grey pixel for every value there can be, from the least one on; padding is black. */
export function pixelsOf(grey: Grey, window: Window, inverted: boolean): Uint32Array {
  const least = LEAST[grey.type];
  const table = new Uint32Array(COUNT[grey.type]);
  const [from, to] = grey.padding ?? [Infinity, -Infinity];
  const flips = inverted !== grey.inverted;
  for (let at = 0; at < table.length; at++) {
    const stored = at + least;
    const light = lightOf(stored * grey.slope + grey.intercept, window);
    const shade = Math.round((flips ? 1 - light : light) * 255);
    const seen = stored >= from && stored <= to ? 0 : shade;
    table[at] = 0xff000000 | (seen << 16) | (seen << 8) | seen;
  }
  return table;
}

/** Paints values by such a table into pixels of a picture. */
export function paint(values: Values, grey: Grey, table: Uint32Array, into: Uint32Array): void {
  const least = LEAST[grey.type];
  for (let at = 0; at < into.length; at++)
    into[at] = table[(values[at] ?? 0) - least] ?? 0xff000000;
}

/** A window to choose: one of the file's own by its number, or a usual one by its name. */
export interface Preset {
  name: number | "whole" | "softTissue" | "lung" | "bone" | "brain";
  window: Window;
}

/** What radiologists look at in computed tomography, in Hounsfield units. */
const OF_HOUNSFIELD: readonly [Preset["name"], number, number][] = [
  ["softTissue", 40, 400],
  ["lung", -600, 1500],
  ["bone", 400, 1800],
  ["brain", 40, 80],
];

/** The windows of the file, everything there is to see, and the usual ones where the unit is Hounsfield's. */
export function presetsOf({ windows, low, high, slope, intercept, unit }: Grey): Preset[] {
  const presets: Preset[] = windows.map((window, at) => ({ name: at + 1, window }));
  const ends = [low, high].map((stored) => stored * slope + intercept) as [number, number];
  const width = Math.abs(ends[1] - ends[0]);
  const add = (name: Preset["name"], center: number, width: number): void => {
    const isThere = presets.some(({ window: one }) => one.center === center && one.width === width);
    if (!isThere && width > 0)
      presets.push({ name, window: { center, width, function: "linear_exact" } });
  };
  add("whole", (ends[0] + ends[1]) / 2, width);
  if (unit === "HU") for (const one of OF_HOUNSFIELD) add(...one);
  return presets;
}

/** Across the picture a drag changes the window by as much as there is to see, in steps of about a thousandth. */
export function dragged(window: Window, grey: Grey, across: number, down: number): Window {
  const range = Math.max(Math.abs((grey.high - grey.low) * grey.slope), Number.EPSILON);
  const power = Math.floor(Math.log10(range / 1000));
  // By whole numbers: 3 * 0.1 is not 0.3.
  const rounded = (value: number): number =>
    power < 0
      ? Math.round(value * 10 ** -power) / 10 ** -power
      : Math.round(value / 10 ** power) * 10 ** power;
  return {
    ...window,
    width: Math.max(10 ** power, rounded(window.width + across * range)),
    center: rounded(window.center + down * range),
  };
}
