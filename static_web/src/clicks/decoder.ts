/// <reference lib="webworker" />
/**
 * Outlines what is clicked at, by the decoder of a model for clicks through onnxruntime.
 *
 * WebAssembly needs a word in the content security policy. A worker obeys the policy that its own script came
 * with, so only this file has it: `assets/clicks/` in `staticwebapp.config.json`.
 */
import { env, InferenceSession, Tensor } from "onnxruntime-web/wasm";
import wasm from "onnxruntime-web/ort-wasm-simd-threaded.wasm?url";

import type { Size } from "@/annotate/geometry";

import { outlineOf } from "./outline";
import { best, halves, maskSize, pointsOf, type Answer, type Question } from "./question";

env.wasm.wasmPaths = { wasm };
// More would need the page to be isolated from all other origins, images in storage too.
env.wasm.numThreads = 1;

interface Image {
  session: InferenceSession;
  seen: Tensor;
  size: Size;
  side: number;
}

/** Four megabytes each: the one that is shown, and the next. */
const KEPT = 3;
const MASK_SCALE = 4;

const images = new Map<string, Promise<Image>>();
let session: { key: string; made: Promise<InferenceSession> } | null = null;
/** The last question of the image that is shown: those before it need no answer. */
let newest = 0;
/** A session answers one question at a time. */
let before: Promise<unknown> = Promise.resolve();

addEventListener("message", ({ data }: MessageEvent<Question>) => {
  if (data.type === "load") void load(data);
  else {
    newest = data.number;
    before = before.then(() => ask(data));
  }
});

const answer = (message: Answer): void => {
  postMessage(message);
};

async function load(question: Extract<Question, { type: "load" }>): Promise<void> {
  const { key } = question;
  const image = images.get(key) ?? fetched(question);
  images.delete(key);
  images.set(key, image);
  for (const old of [...images.keys()].slice(0, -KEPT)) images.delete(old);
  try {
    await image;
    answer({ type: "ready", key });
  } catch {
    images.delete(key);
    answer({ type: "failed", key });
  }
}

async function fetched({
  url,
  decoder,
  model,
  size,
}: Extract<Question, { type: "load" }>): Promise<Image> {
  const [opened, data] = await Promise.all([open(decoder), bytesOf(url)]);
  const seen = new Tensor("float32", halves(data), [1, ...model.shape]);
  return { session: opened, seen, size, side: model.side };
}

/** One session for all images of a model. */
function open(decoder: string): Promise<InferenceSession> {
  const key = decoder.split("?")[0] ?? "";
  if (session?.key !== key) {
    const made = bytesOf(decoder).then((data) =>
      InferenceSession.create(new Uint8Array(data), { executionProviders: ["wasm"] }),
    );
    session = { key, made };
    made.catch(() => {
      if (session?.made === made) session = null;
    });
  }
  return session.made;
}

async function ask({ key, number, clicks }: Extract<Question, { type: "ask" }>): Promise<void> {
  if (number !== newest) return;
  try {
    const image = await images.get(key);
    if (!image) return;
    const { seen, size, side } = image;
    const [, , height = 1, width = 1] = seen.dims;
    const wanted = maskSize(size);
    const { places, labels } = pointsOf(clicks, size, side);
    const found = await image.session.run({
      image_embeddings: seen,
      point_coords: new Tensor("float32", places, [1, labels.length, 2]),
      point_labels: new Tensor("float32", labels, [1, labels.length]),
      mask_input: new Tensor(
        "float32",
        new Float32Array(MASK_SCALE * height * MASK_SCALE * width),
        [1, 1, MASK_SCALE * height, MASK_SCALE * width],
      ),
      has_mask_input: new Tensor("float32", new Float32Array(1), [1]),
      orig_im_size: new Tensor("float32", Float32Array.of(wanted.height, wanted.width), [2]),
    });
    const masks = found["masks"]?.data as Float32Array;
    const at = best(found["iou_predictions"]?.data as Float32Array);
    const pixels = wanted.width * wanted.height;
    const mask = masks.subarray(at * pixels, (at + 1) * pixels);
    answer({ type: "outlined", key, number, area: outlineOf(mask, wanted.width, wanted.height) });
  } catch {
    answer({ type: "failed", key });
  }
}

async function bytesOf(url: string): Promise<ArrayBuffer> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${response.status}`);
  return response.arrayBuffer();
}
