/// <reference lib="webworker" />
/** Keeps the stored values of some frames and paints them, so that the page never waits for pixels. */
import { paint, pixelsOf, valuesOf, type Grey, type Values, type Window } from "./light";

/** What identifies a frame: its address without the signature. */
type Key = string;

export type Question =
  | { type: "canvas"; canvas: OffscreenCanvas }
  | { type: "load"; key: Key; url: string; grey: Grey; width: number; height: number }
  | { type: "show"; key: Key; window: Window; inverted: boolean }
  | { type: "read"; key: Key; x: number; y: number };

export type Answer =
  | { type: "ready" }
  | { type: "shown"; key: Key }
  | { type: "failed"; key: Key }
  | { type: "value"; key: Key; x: number; y: number; value: number | null };

interface Loaded {
  values: Values;
  grey: Grey;
  width: number;
  height: number;
}

/** Of 512 x 512 x 2 bytes half a megabyte each: the one that is shown, and neighbours. */
const KEPT = 24;

const frames = new Map<Key, Promise<Loaded>>();
let canvas: OffscreenCanvas | null = null;
let wanted: Extract<Question, { type: "show" }> | null = null;
let painting = false;

const answer = (message: Answer): void => {
  postMessage(message);
};

addEventListener("message", ({ data }: MessageEvent<Question>) => {
  if (data.type === "canvas") {
    canvas = data.canvas;
    answer({ type: "ready" });
  } else if (data.type === "load") load(data);
  else if (data.type === "read") void read(data);
  else {
    wanted = data;
    void show();
  }
});

function load(question: Extract<Question, { type: "load" }>): void {
  const { key } = question;
  if (frames.has(key)) return;
  const loading = fetched(question);
  frames.set(key, loading);
  loading.catch(() => {
    frames.delete(key);
    answer({ type: "failed", key });
  });
  for (const old of frames.keys()) {
    if (frames.size <= KEPT) break;
    if (old !== wanted?.key) frames.delete(old);
  }
}

async function fetched(question: Extract<Question, { type: "load" }>): Promise<Loaded> {
  const { url, grey, width, height } = question;
  const response = await fetch(url);
  if (!response.ok || !response.body) throw new Error(String(response.status));
  const unpacked = response.body.pipeThrough(new DecompressionStream("gzip"));
  const values = valuesOf(grey.type, await new Response(unpacked).arrayBuffer());
  if (values.length !== width * height) throw new Error("cut off");
  return { values, grey, width, height };
}

/** Only the last that was asked for while one was painted is painted next. */
async function show(): Promise<void> {
  if (painting) return;
  painting = true;
  while (wanted) {
    const { key, window, inverted } = wanted;
    wanted = null;
    const frame = await frames.get(key)?.catch(() => null);
    if (!frame || !canvas) continue;
    canvas.width = frame.width;
    canvas.height = frame.height;
    const picture = new ImageData(frame.width, frame.height);
    const table = pixelsOf(frame.grey, window, inverted);
    paint(frame.values, frame.grey, table, new Uint32Array(picture.data.buffer));
    canvas.getContext("2d")?.putImageData(picture, 0, 0);
    answer({ type: "shown", key });
  }
  painting = false;
}

async function read({ key, x, y }: Extract<Question, { type: "read" }>): Promise<void> {
  const frame = await frames.get(key)?.catch(() => null);
  const inside = frame && x >= 0 && y >= 0 && x < frame.width && y < frame.height;
  const stored = inside ? (frame.values[y * frame.width + x] ?? null) : null;
  const value = stored === null || !frame ? null : stored * frame.grey.slope + frame.grey.intercept;
  answer({ type: "value", key, x, y, value });
}
