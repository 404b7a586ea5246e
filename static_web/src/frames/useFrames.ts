/** The frames of a TIFF or DICOM image: which one is shown, its picture, its window, and what comes next. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";

import type { Picture } from "@/annotate/render/imageLayer";
import type { FrameView, TaskItem } from "@/api/types";

import type { Grey, Window } from "./light";
import { frameQuery, isFramed } from "./query";
import type { Answer, Question } from "./worker";

/** Fetched before they are asked for, on the side that is moved to. */
const AHEAD = 3;
const CINE_MS = 100;
/** What could not be fetched is asked for again, but not all the time. */
const AGAIN_AFTER_MS = 15_000;

const NONE_BEFORE = { itemId: "", grey: null };
const NO_LINKS = { preview: "", full: "" };

export interface Frames {
  frame: number;
  count: number;
  view: FrameView | null;
  picture: Picture;
  /** Of the frame that is shown, or while it comes of the one before; null where there is nothing but its 8 bits. */
  grey: Grey | null;
  /** What `grey` is looked at through. */
  window: Window | null;
  inverted: boolean;
  playing: boolean;
  /** Under the pointer, in the image's own unit. */
  value: { x: number; y: number; value: number } | null;
  go: (frame: number) => void;
  /** What is shown could not be fetched: its addresses may have run out. */
  again: () => void;
  setWindow: (window: Window | null) => void;
  setInverted: (inverted: boolean) => void;
  /** To the image's own window, the way it was meant to be seen. */
  reset: () => void;
  play: (playing: boolean) => void;
  point: (at: readonly [number, number] | null) => void;
}

/** Which frame of each image is shown, where somebody else keeps that. */
interface Kept {
  frame: number;
  onGo: (frame: number) => void;
}

/** Null where a browser shows the image by itself. */
export function useFrames(
  projectId: string,
  item: TaskItem | undefined,
  taskId: string | null,
  kept: Kept | null = null,
): Frames | null {
  const framed = item && isFramed(item) ? item : null;
  const itemId = framed?.item_id ?? "";
  const count = framed?.frames ?? 1;
  const [at, setAt] = useState({ itemId: "", frame: 0, forward: true });
  const [chosen, setChosen] = useState<{ itemId: string; window: Window | null }>({
    itemId: "",
    window: null,
  });
  const [turnedOver, setTurnedOver] = useState("");
  const [playingOf, setPlayingOf] = useState("");
  const [shownKey, setShownKey] = useState("");
  const [value, setValue] = useState<(Frames["value"] & { key: string }) | null>(null);
  const frame = Math.min(count - 1, kept?.frame ?? (at.itemId === itemId ? at.frame : 0));
  const onGo = useRef(kept?.onGo);
  useEffect(() => {
    onGo.current = kept?.onGo;
  });
  const query = useQuery({
    ...frameQuery(projectId, itemId, taskId, frame),
    enabled: framed !== null,
  });
  const view = query.data ?? null;
  const grey = view?.facts?.grey ?? null;
  const key = keyOf(view);
  const [before, setBefore] = useState<{ itemId: string; grey: Grey | null }>(NONE_BEFORE);
  if (view && (before.itemId !== itemId || before.grey !== grey)) setBefore({ itemId, grey });
  // Whoever goes through the frames faster than they come keeps the window in hand meanwhile.
  const looked = view === null && before.itemId === itemId ? before.grey : grey;
  const window = looked
    ? ((chosen.itemId === itemId ? chosen.window : null) ?? looked.windows[0] ?? null)
    : null;
  const inverted = turnedOver === itemId;
  const playing = playingOf === itemId && count > 1;

  const { refetch, dataUpdatedAt } = query;
  const again = useCallback(() => {
    if (Date.now() - dataUpdatedAt > AGAIN_AFTER_MS) void refetch();
  }, [refetch, dataUpdatedAt]);
  const painter = usePainter(framed !== null, (answer) => {
    if (answer.type === "shown") setShownKey(answer.key);
    else if (answer.type === "failed" && answer.key === key) again();
    else if (answer.type === "value")
      setValue(answer.value === null ? null : { ...answer, value: answer.value });
  });
  const { ask, canvas } = painter;
  useEffect(() => {
    if (!view?.values || !grey || !view.facts || !window) return;
    const { width, height } = view.facts;
    ask({ type: "load", key, url: view.values, grey, width, height });
    ask({ type: "show", key, window, inverted });
  }, [ask, key, view, grey, window, inverted]);

  const client = useQueryClient();
  const forward = at.forward;
  useEffect(() => {
    if (!itemId || !view) return;
    let left = false;
    const fetchAhead = async (): Promise<void> => {
      const steps = Array.from({ length: AHEAD }, (_, step) => (step + 1) * (forward ? 1 : -1));
      for (const next of [...steps, forward ? -1 : 1].map((step) => frame + step)) {
        if (left) return; // to another frame, which is asked for before the neighbours of this one
        if (next < 0 || next >= count) continue;
        const neighbour = await client.query(frameQuery(projectId, itemId, taskId, next));
        if (neighbour?.url) new Image().src = neighbour.url;
        const facts = neighbour?.facts;
        if (!neighbour?.values || !facts?.grey) continue;
        const { width, height, grey } = facts;
        const { values: url } = neighbour;
        ask({ type: "load", key: keyOf(neighbour), url, grey, width, height });
      }
    };
    fetchAhead().catch(nothing);
    return () => {
      left = true;
    };
  }, [ask, client, projectId, itemId, taskId, frame, count, forward, view]);

  const go = useCallback(
    (next: number) => {
      const frame = Math.min(count - 1, Math.max(0, next));
      setAt((before) => ({
        itemId,
        frame,
        forward: next >= (before.itemId === itemId ? before.frame : 0),
      }));
      onGo.current?.(frame);
    },
    [itemId, count],
  );
  const ready = view !== null;
  useEffect(() => {
    if (!playing || !ready) return;
    const timer = setTimeout(() => go((frame + 1) % count), CINE_MS);
    return () => clearTimeout(timer);
  }, [playing, ready, frame, count, go]);

  const painted = shownKey === key && key !== "" && grey !== null;
  // The copy in 8 bits shows the file's own window: it would flash before another one.
  const waits = canvas !== null && grey !== null && (inverted || window !== grey.windows[0]);
  const picture = useMemo<Picture | null>(() => {
    if (!framed) return null;
    const first = frame === 0 ? framed.images : NO_LINKS;
    const links = view ? { preview: view.url, full: view.url } : first;
    return {
      item_id: framed.item_id,
      frame,
      width: view?.facts?.width ?? framed.width,
      height: view?.facts?.height ?? framed.height,
      images: waits ? NO_LINKS : links,
      canvas: painted ? canvas : null,
      failed: Boolean(view?.problem),
    };
  }, [framed, frame, view, painted, waits, canvas]);
  const point = useCallback(
    (place: readonly [number, number] | null) => {
      if (!place || !key) setValue(null);
      else ask({ type: "read", key, x: Math.floor(place[0]), y: Math.floor(place[1]) });
    },
    [ask, key],
  );
  if (!picture) return null;
  return {
    frame,
    count,
    view,
    picture,
    grey: looked,
    window,
    inverted,
    playing,
    value: value?.key === key ? value : null,
    go,
    again,
    setWindow: (next) => setChosen({ itemId, window: next }),
    setInverted: (next) => setTurnedOver(next ? itemId : ""),
    reset: () => {
      setChosen({ itemId, window: null });
      setTurnedOver("");
    },
    play: (next) => setPlayingOf(next ? itemId : ""),
    point,
  };
}

/** A worker and the canvas that it paints. Neither is there where a browser has no canvas for workers. */
function usePainter(needed: boolean, onAnswer: (answer: Answer) => void) {
  const [canvas, setCanvas] = useState<HTMLCanvasElement | null>(null);
  const worker = useRef<Worker>(null);
  const latest = useRef(onAnswer);
  useEffect(() => {
    latest.current = onAnswer;
  });
  useEffect(() => {
    if (!needed || typeof OffscreenCanvas === "undefined") return;
    const made = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
    const shown = document.createElement("canvas");
    const offscreen = shown.transferControlToOffscreen();
    made.postMessage({ type: "canvas", canvas: offscreen } satisfies Question, [offscreen]);
    made.onmessage = ({ data }: MessageEvent<Answer>) => {
      if (data.type === "ready") setCanvas(shown);
      else latest.current(data);
    };
    worker.current = made;
    return () => {
      made.terminate();
      worker.current = null;
    };
  }, [needed]);
  // What is asked before the worker is there is asked again when the canvas is.
  const ask = useCallback(
    (question: Question): void => {
      if (canvas) worker.current?.postMessage(question);
    },
    [canvas],
  );
  return { canvas, ask };
}

function keyOf(view: FrameView | null): string {
  return view?.values?.split("?")[0] ?? "";
}

function nothing(): void {
  // Nobody waits for it: it is asked for again when it is shown.
}
