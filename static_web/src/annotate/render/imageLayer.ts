/**
 * The picture itself: the preview at once, the full image above it when the view goes past the preview.
 * Every rendition is laid out at the size of the image, so none of them moves anything.
 */
import type { ImageLinks } from "@/api/types";

import { imageTransform, type Viewport } from "../viewport";

export interface Picture {
  item_id: string;
  width: number;
  height: number;
  images: Pick<ImageLinks, "preview" | "full">;
  /** Of an image with several: another one has other links, and what was shown stays until it is there. */
  frame?: number;
  /** Shown above the renditions: somebody else paints it. */
  canvas?: HTMLCanvasElement | null;
  /** There will be no picture of it, so that no other frame may stand in for it. */
  failed?: boolean;
}

export type ImageState = "loading" | "ready" | "failed";

export interface ImageLayer {
  /**
   * The same item with new links keeps what it shows; what failed is tried by them at once. By the same
   * links it is tried again after a while, without being told to.
   */
  show(item: Picture): void;
  follow(view: Viewport): void;
  /** 1 is as it is. Only the picture changes, never the shapes. */
  adjust(brightness: number, contrast: number): void;
  destroy(): void;
}

/** From here on pixels are shown as squares: the eye is looking for their borders. */
const PIXELS_FROM_SCALE = 4;

/** Another frame that is shown for longer than this, until the right one is there, is dimmed. */
const STALE_MS = 200;
const STALE_OPACITY = "0.35";

/** The view is no longer being zoomed. */
const SETTLED_MS = 150;

/**
 * The first wait before what failed is tried again; each is twice as long as the one before. Whoever is
 * told of a failure may show the same links at once, so that without a wait there would be no end.
 */
const RETRY_FIRST_MS = 2_000;
/** Nobody is to look at an empty stage for longer than this when the image could be fetched. */
const RETRY_MOST_MS = 30_000;

type Rendition = "preview" | "full";

/** Pictures that were decoded before anybody asked for them, by address. */
const ahead = new Map<string, HTMLImageElement>();

/** Fetches and decodes these pictures, which are soon to be shown, and lets go of all others. */
export function keepAhead(urls: readonly string[]): void {
  for (const url of ahead.keys()) if (!urls.includes(url)) ahead.delete(url);
  for (const url of urls) {
    if (ahead.has(url)) continue;
    const image = picture(url);
    ahead.set(url, image);
    image.decode().catch(() => ahead.delete(url)); // it is tried again when it is shown
  }
}

function picture(url: string): HTMLImageElement {
  const image = new Image();
  image.alt = "";
  image.draggable = false;
  image.decoding = "async";
  image.src = url;
  return image;
}

function isSame(one: Picture, other: Picture): boolean {
  return one.item_id === other.item_id && one.frame === other.frame;
}

export function createImageLayer(
  host: HTMLElement,
  onState: (state: ImageState) => void,
): ImageLayer {
  const frame = document.createElement("div");
  Object.assign(frame.style, {
    position: "absolute",
    left: "0",
    top: "0",
    transformOrigin: "0 0",
    pointerEvents: "none",
  });
  frame.dataset["testid"] = "picture";
  host.append(frame);
  let item: Picture | null = null;
  let painted: HTMLCanvasElement | null = null;
  /** What is shown of another frame, until this one is there. */
  let stale: Element[] = [];
  let dimming: ReturnType<typeof setTimeout> | undefined;
  let view: Viewport | null = null;
  let shown: Partial<Record<Rendition, HTMLImageElement>> = {};
  const tried = new Map<Rendition, string>();
  /** By the link that was tried last. */
  const failed = new Set<Rendition>();
  let wait = RETRY_FIRST_MS;

  let retrying: ReturnType<typeof setTimeout> | undefined;
  let settling: ReturnType<typeof setTimeout> | undefined;

  const load = (rendition: Rendition): void => {
    const wanted = item;
    const url = wanted?.images[rendition];
    if (!wanted || !url || shown[rendition] || tried.get(rendition) === url) return;
    tried.set(rendition, url);
    failed.delete(rendition);
    const image = ahead.get(url) ?? picture(url);
    Object.assign(image.style, {
      position: "absolute",
      left: "0",
      top: "0",
      width: `${wanted.width}px`,
      height: `${wanted.height}px`,
      maxWidth: "none",
      zIndex: rendition === "full" ? "1" : "0",
    });
    // Shown only when it can be painted at once: no blink.
    const isCurrent = (): boolean => !!item && isSame(item, wanted);
    image.decode().then(
      () => {
        if (!isCurrent() || shown[rendition]) return;
        shown[rendition] = image;
        frame.append(image);
        dropStale();
        wait = RETRY_FIRST_MS;
        onState("ready");
        sharpen();
      },
      () => {
        // Of an old link there is nothing to say while a new one is being tried.
        if (!isCurrent() || shown[rendition] || tried.get(rendition) !== url) return;
        failed.add(rendition);
        retrying ??= setTimeout(() => {
          wait = Math.min(2 * wait, RETRY_MOST_MS);
          retry();
        }, wait);
        if (rendition === "preview" && !shown.full) onState("failed");
      },
    );
  };

  const dropStale = (): void => {
    clearTimeout(dimming);
    for (const old of stale) if (old !== painted) old.remove();
    stale = [];
  };

  /** What is shown stays for a moment: no blink between frames. */
  const keepStale = (): void => {
    painted = null;
    stale = [...frame.children];
    clearTimeout(dimming);
    dimming = setTimeout(() => {
      for (const old of stale) (old as HTMLElement).style.opacity = STALE_OPACITY;
    }, STALE_MS);
  };

  const overlay = (canvas: HTMLCanvasElement | null): void => {
    if (canvas !== painted) painted?.remove();
    painted = canvas;
    if (!canvas) return;
    Object.assign(canvas.style, {
      position: "absolute",
      inset: "0",
      width: "100%",
      height: "100%",
      zIndex: "2",
      opacity: "",
    });
    if (canvas.parentElement !== frame) frame.append(canvas);
    dropStale();
    onState("ready");
  };

  const sharpen = (): void => {
    const { preview } = shown;
    if (!view || !preview) return;
    const needed = view.scale * (globalThis.devicePixelRatio || 1) * view.image.width;
    if (needed > preview.naturalWidth && preview.naturalWidth < view.image.width) load("full");
    frame.style.imageRendering = view.scale >= PIXELS_FROM_SCALE ? "pixelated" : "";
  };

  const stopWaiting = (): void => {
    clearTimeout(retrying);
    retrying = undefined;
  };

  const retry = (): void => {
    stopWaiting();
    for (const rendition of failed) tried.delete(rendition);
    load("preview");
    if (failed.has("full")) sharpen();
  };

  const online = (): void => {
    wait = RETRY_FIRST_MS;
    retry();
  };
  window.addEventListener("online", online);

  return {
    show(next) {
      if (!item || !isSame(item, next)) {
        if (item?.item_id === next.item_id) keepStale();
        else {
          overlay(null);
          dropStale();
          frame.replaceChildren();
        }
        shown = {};
        tried.clear();
        failed.clear();
        stopWaiting();
        wait = RETRY_FIRST_MS;
        onState("loading");
      }
      item = next;
      Object.assign(frame.style, { width: `${next.width}px`, height: `${next.height}px` });
      load("preview");
      if (failed.has("full")) sharpen();
      if (next.failed) dropStale();
      if (next.canvas !== undefined && next.canvas !== painted) overlay(next.canvas);
    },
    follow(next) {
      if (view && view.scale !== next.scale) {
        // Resampled once at rest instead of in every frame; until then what is there is stretched.
        frame.style.willChange = "transform";
        clearTimeout(settling);
        settling = setTimeout(() => {
          frame.style.willChange = "";
          sharpen();
        }, SETTLED_MS);
      }
      view = next;
      frame.style.transform = imageTransform(next);
    },
    adjust(brightness, contrast) {
      frame.style.filter =
        brightness === 1 && contrast === 1 ? "" : `brightness(${brightness}) contrast(${contrast})`;
    },
    destroy() {
      window.removeEventListener("online", online);
      stopWaiting();
      clearTimeout(settling);
      clearTimeout(dimming);
      item = null;
      frame.remove();
    },
  };
}
