/** What the decoder of clicks is asked and what it answers: messages to a worker, and the numbers of its model. */
import type { Click } from "@/annotate/tools/tool";
import type { Polygon, Size } from "@/annotate/geometry";

/** What a page needs to know of a model: its frame's side, and the shape of what its encoder gives. */
export interface ClickModel {
  side: number;
  shape: readonly number[];
}

/** What identifies an image that was prepared: its address without the signature. */
type Key = string;

export type Question =
  | { type: "load"; key: Key; url: string; decoder: string; model: ClickModel; size: Size }
  | { type: "ask"; key: Key; number: number; clicks: readonly Click[] };

export type Answer =
  | { type: "ready"; key: Key }
  | { type: "failed"; key: Key }
  | { type: "outlined"; key: Key; number: number; area: Polygon | null };

/** Of the longer side of a mask, in samples: finer than what decoders see, and quick to draw a line around. */
const MASK_SIDE = 512;

/** How large an image is in the encoder's frame, in its pixels. */
export function framed({ width, height }: Size, side: number): Size {
  const scale = side / Math.max(width, height);
  return {
    width: Math.max(1, Math.round(width * scale)),
    height: Math.max(1, Math.round(height * scale)),
  };
}

/** How large masks of an image are asked for. */
export function maskSize(size: Size): Size {
  return framed(size, Math.min(MASK_SIDE, Math.max(size.width, size.height)));
}

/** The points of clicks as a decoder takes them, with the one at the end that stands for there being no box. */
export function pointsOf(
  clicks: readonly Click[],
  size: Size,
  side: number,
): { places: Float32Array; labels: Float32Array } {
  const { width, height } = framed(size, side);
  const places = clicks.flatMap(({ at: [x, y] }) => [x * width, y * height]);
  const labels = clicks.map((one) => (one.isInside ? 1 : 0));
  return {
    places: Float32Array.from([...places, 0, 0]),
    labels: Float32Array.from([...labels, -1]),
  };
}

/** The place of the greatest number; 0 of none. */
export function best(values: ArrayLike<number>): number {
  let found = 0;
  for (let at = 1; at < values.length; at++)
    if ((values[at] ?? -Infinity) > (values[found] ?? -Infinity)) found = at;
  return found;
}

/** Numbers of 16 bits in floating point, little endian. */
export function halves(data: ArrayBuffer): Float32Array {
  const bits = new Uint16Array(data);
  const values = new Float32Array(bits.length);
  for (let at = 0; at < bits.length; at++) {
    const one = bits[at] ?? 0;
    const exponent = (one >> 10) & 31;
    const fraction = one & 1023;
    const size =
      exponent === 31
        ? fraction
          ? NaN
          : Infinity
        : exponent
          ? (1 + fraction / 1024) * 2 ** (exponent - 15)
          : (fraction / 1024) * 2 ** -14;
    values[at] = one & 0x8000 ? -size : size;
  }
  return values;
}
