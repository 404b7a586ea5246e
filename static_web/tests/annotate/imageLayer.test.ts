// @vitest-environment jsdom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import {
  createImageLayer,
  type ImageLayer,
  type ImageState,
  type Picture,
} from "@/annotate/render/imageLayer";
import { fitted, zoomedAt } from "@/annotate/viewport";

interface Asked {
  url: string | null;
  answer: (loaded: boolean) => Promise<void>;
}

/** Everything that was asked for, and what the layer said of it. */
let asked: Asked[] = [];
let states: ImageState[] = [];
let layer: ImageLayer;

beforeEach(() => {
  vi.useFakeTimers();
  asked = [];
  states = [];
  HTMLImageElement.prototype.decode = function (this: HTMLImageElement) {
    return new Promise<void>((resolve, reject) => {
      const answer = async (loaded: boolean) => {
        if (loaded) resolve();
        else reject(new Error("EncodingError"));
        await vi.advanceTimersByTimeAsync(0);
      };
      asked.push({ url: this.getAttribute("src"), answer });
    });
  };
  vi.spyOn(HTMLImageElement.prototype, "naturalWidth", "get").mockReturnValue(800);
  layer = createImageLayer(document.body, (state) => states.push(state));
});

afterEach(() => {
  layer.destroy();
  vi.useRealTimers();
});

const picture = (preview = "p", full = "f", item_id = "i1"): Picture => ({
  item_id,
  width: 4000,
  height: 4000,
  images: { preview, full },
});
const urls = () => asked.map((one) => one.url);
/** The answer to what was asked for last. */
const answer = async (loaded: boolean) => asked.at(-1)?.answer(loaded);
const wait = (ms: number) => vi.advanceTimersByTimeAsync(ms);
/** Waits until something is asked for; how long that took, in ms. */
const waitUntilAsked = async (): Promise<number> => {
  const before = asked.length;
  for (let ms = 0; ms <= 60_000; ms += 500) {
    if (asked.length > before) return ms;
    await wait(500);
  }
  return Infinity;
};

describe("an image that did not load", () => {
  it("is tried again, less and less often, until it is there", async () => {
    layer.show(picture());
    const waits: number[] = [];
    for (let n = 0; n < 6; n++) {
      await answer(false);
      expect(states.at(-1)).toBe("failed");
      waits.push(await waitUntilAsked());
    }
    expect(waits).toEqual([2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    await answer(true);
    expect(states.at(-1)).toBe("ready");
    expect(await waitUntilAsked()).toBe(Infinity);
    expect(document.querySelectorAll("img")).toHaveLength(1);
  });

  it("is not asked for by the same link before its time, however often it is shown", async () => {
    layer.destroy();
    layer = createImageLayer(document.body, (state) => {
      states.push(state);
      if (state === "failed") for (let n = 0; n < 3; n++) layer.show(picture());
    });
    layer.show(picture());
    await answer(false);
    await wait(1_999);
    expect(urls()).toEqual(["p"]);
    await wait(1);
    expect(urls()).toEqual(["p", "p"]);
    await answer(false);
    await wait(3_999);
    expect(urls()).toHaveLength(2);
  });

  it("is asked for at once by a new link, and by that one from then on", async () => {
    layer.show(picture("old"));
    await answer(false);
    layer.show(picture("new"));
    expect(urls()).toEqual(["old", "new"]);
    await wait(60_000);
    expect(urls()).toEqual(["old", "new"]);
    await answer(false);
    expect(await waitUntilAsked()).toBeLessThanOrEqual(30_000);
    await answer(true);
    expect(urls()).toEqual(["old", "new", "new"]);
    expect(states).toEqual(["loading", "failed", "failed", "ready"]);
  });

  it("does not count as failed when the link before did, while the new one loads", async () => {
    layer.show(picture("old"));
    layer.show(picture("new"));
    await asked[0]?.answer(false);
    expect(states).toEqual(["loading"]);
    await asked[1]?.answer(true);
    await wait(60_000);
    expect(urls()).toEqual(["old", "new"]);
    expect(states).toEqual(["loading", "ready"]);
  });

  it("is there once when both the old and the new link lead to it", async () => {
    layer.show(picture("old"));
    layer.show(picture("new"));
    await asked[0]?.answer(true);
    await asked[1]?.answer(true);
    expect(document.querySelectorAll("img")).toHaveLength(1);
  });

  it("is tried again when the network is back, and soon after that", async () => {
    layer.show(picture());
    window.dispatchEvent(new Event("online"));
    expect(urls()).toEqual(["p"]);
    for (let n = 0; n < 4; n++) {
      await answer(false);
      await waitUntilAsked();
    }
    await answer(false);
    window.dispatchEvent(new Event("online"));
    expect(urls()).toHaveLength(6);
    await answer(false);
    expect(await waitUntilAsked()).toBe(2_000);
    await answer(true);
    expect(states.at(-1)).toBe("ready");
  });

  it("is not tried again once another is shown or the layer is gone", async () => {
    layer.show(picture());
    await answer(false);
    layer.show(picture("p2", "f2", "i2"));
    await answer(true);
    await wait(60_000);
    window.dispatchEvent(new Event("online"));
    expect(urls()).toEqual(["p", "p2"]);
    layer.show(picture("p3", "f3", "i3"));
    await answer(false);
    layer.destroy();
    await wait(60_000);
    window.dispatchEvent(new Event("online"));
    expect(urls()).toEqual(["p", "p2", "p3"]);
    expect(vi.getTimerCount()).toBe(0);
    expect(states).toEqual(["loading", "failed", "loading", "ready", "loading", "failed"]);
  });

  it("is waited for anew on every image", async () => {
    layer.show(picture());
    for (let n = 0; n < 4; n++) {
      await answer(false);
      await waitUntilAsked();
    }
    layer.show(picture("p2", "f2", "i2"));
    await answer(false);
    expect(await waitUntilAsked()).toBe(2_000);
  });
});

describe("a full image that did not load", () => {
  const near = () => {
    const view = fitted({ width: 1000, height: 1000 }, { width: 4000, height: 4000 });
    layer.follow(zoomedAt(view, [0, 0], 8));
  };

  it("leaves the preview ready, and is tried again by itself or by a new link", async () => {
    near();
    layer.show(picture());
    await answer(true);
    expect(urls()).toEqual(["p", "f"]);
    await answer(false);
    expect(states).toEqual(["loading", "ready"]);
    layer.show(picture());
    expect(urls()).toEqual(["p", "f"]);
    expect(await waitUntilAsked()).toBe(2_000);
    await answer(false);
    layer.show(picture("p2", "f2"));
    expect(urls()).toEqual(["p", "f", "f", "f2"]);
    await answer(false);
    window.dispatchEvent(new Event("online"));
    await answer(true);
    expect(urls()).toEqual(["p", "f", "f", "f2", "f2"]);
    expect(states).toEqual(["loading", "ready", "ready"]);
    expect(document.querySelectorAll("img")).toHaveLength(2);
    expect(await waitUntilAsked()).toBe(Infinity);
  });
});

describe("an image of several frames", () => {
  const frame = (number: number, canvas: HTMLCanvasElement | null = null): Picture => ({
    ...picture(`p${number}`, `p${number}`),
    frame: number,
    canvas,
  });
  const opacity = () => document.querySelector<HTMLElement>("body > div > *")?.style.opacity;
  const shown = () =>
    [...document.querySelectorAll("body > div > *")].map(
      (one) => one.getAttribute("src") ?? one.tagName,
    );

  it("keeps the frame that is shown until the next one can be painted", async () => {
    layer.show(frame(0));
    await answer(true);
    layer.show(frame(1));
    expect(shown()).toEqual(["p0"]);
    await answer(true);
    expect(shown()).toEqual(["p1"]);
  });

  it("dims the frame that is shown when the one that is wanted takes longer", async () => {
    layer.show(frame(0));
    await answer(true);
    layer.show({ ...frame(1), images: { preview: "", full: "" } });
    expect(shown()).toEqual(["p0"]);
    expect(opacity()).toBe("");
    vi.advanceTimersByTime(250);
    expect(opacity()).toBe("0.35");
    layer.show(frame(1));
    await answer(true);
    expect(shown()).toEqual(["p1"]);
    expect(opacity()).toBe("");
  });

  it("shows nothing of another frame in place of one that will never be there", async () => {
    layer.show(frame(0));
    await answer(true);
    layer.show({ ...frame(1), images: { preview: "", full: "" }, failed: true });
    expect(shown()).toEqual([]);
  });

  it("is ready as soon as somebody paints it, and takes the same canvas for the next frame", () => {
    const canvas = document.createElement("canvas");
    layer.show(frame(0));
    layer.show(frame(0, canvas));
    expect(shown()).toEqual(["CANVAS"]);
    expect(states.at(-1)).toBe("ready");
    layer.show(frame(1));
    vi.advanceTimersByTime(250);
    expect(states.at(-1)).toBe("loading");
    expect(shown()).toEqual(["CANVAS"]);
    expect(opacity()).toBe("0.35");
    layer.show(frame(1, canvas));
    expect(shown()).toEqual(["CANVAS"]);
    expect(opacity()).toBe("");
    expect(states.at(-1)).toBe("ready");
  });
});
