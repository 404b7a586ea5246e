/**
 * The editor alone, with many shapes on a picture of 4,000 x 4,000: `?n=2000&points=20&tool=select`.
 * `dev/frames.py` drives it by the mouse and measures its frames; by hand it is a place to try the tools.
 */
import { FluentProvider } from "@fluentui/react-components";
import { StrictMode, useEffect, useRef, useState, type ReactNode } from "react";
import { createRoot } from "react-dom/client";

import { Annotator, type AnnotatorHandle } from "@/annotate/Annotator";
import type { Suggestion } from "@/annotate/render/look";
import type { ToolId } from "@/annotate/tools/tools";
import type { Annotation } from "@/api/types";
import { startI18n } from "@/i18n/i18n";
import { stageTheme } from "@/theme";

const SIDE = 4000;
const query = new URLSearchParams(location.search);
const count = Number(query.get("n") ?? 500);
const pointsEach = Number(query.get("points") ?? 20);
const classes = ["Car", "Truck", "Person", "Sign", "Tree", "House"].map((name, colour) => ({
  class_id: name,
  name,
  colour,
}));

interface Shown {
  annotations: Annotation[];
  selection: readonly string[];
  tool: ToolId;
  classId: string;
  locked: ReadonlySet<string>;
  settings: {
    brightness: number;
    contrast: number;
    fill: number;
    guides: boolean;
    hidden: boolean;
  };
}

declare global {
  interface Window {
    bench: {
      editor: () => AnnotatorHandle | null;
      shown: () => Shown;
      set: (change: Partial<Shown>) => void;
      said: unknown[];
      view: { scale: number; turn: number };
      ready: boolean;
    };
  }
}

function Bench({ images }: { images: { preview: string; full: string } }): ReactNode {
  const editor = useRef<AnnotatorHandle>(null);
  const [shown, setShown] = useState<Shown>(() => ({
    annotations: randomPolygons(count),
    selection: [],
    tool: (query.get("tool") ?? "select") as ToolId,
    classId: "Car",
    locked: new Set(),
    settings: { brightness: 1, contrast: 1, fill: 0.2, guides: true, hidden: false },
  }));
  useEffect(() => {
    Object.assign(window.bench, {
      editor: () => editor.current,
      shown: () => shown,
      set: (change: Partial<Shown>) => setShown((before) => ({ ...before, ...change })),
    });
  });
  return (
    <Annotator
      ref={editor}
      label="Bench"
      item={{ item_id: "bench", width: SIDE, height: SIDE, images }}
      annotations={shown.annotations}
      selection={shown.selection}
      classes={classes}
      activeClassId={shown.classId}
      tool={shown.tool}
      suggestions={SUGGESTIONS}
      locked={shown.locked}
      settings={shown.settings}
      newId={() => crypto.randomUUID()}
      onChange={(annotations, change) => {
        window.bench.said.push(change);
        setShown((before) => ({ ...before, annotations }));
      }}
      onSelect={(selection) => setShown((before) => ({ ...before, selection }))}
      onNotice={(notice) => window.bench.said.push(notice)}
      onView={(view) => (window.bench.view = view)}
      onImage={(state) => (window.bench.ready = state === "ready")}
    />
  );
}

const SUGGESTIONS: ReadonlyMap<string, Suggestion> = new Map([
  ["shape-1", { confidence: 0.93, touched: false }],
]);

/** Blobs all over the picture, the same in every run. */
function randomPolygons(many: number): Annotation[] {
  const random = numbers(7);
  const radius = Math.min(0.04, 0.8 / Math.sqrt(many));
  // Outlines of very many points are smooth, as those are that people or models draw.
  const roughness = 0.5 * Math.sqrt(20 / Math.max(20, pointsEach));
  return Array.from({ length: many }, (_, index): Annotation => {
    const [x, y] = [radius + random() * (1 - 2 * radius), radius + random() * (1 - 2 * radius)];
    const outer = Array.from({ length: pointsEach }, (_point, step): [number, number] => {
      const angle = (step / pointsEach) * 2 * Math.PI;
      const far = radius * (1 - roughness * random());
      return [x + far * Math.cos(angle), y + far * Math.sin(angle)];
    });
    return {
      annotation_id: `shape-${index}`,
      class_id: classes[index % classes.length]?.class_id ?? "Car",
      frame: 0,
      geometry: { kind: "polygon", parts: [{ outer, holes: [] }] },
      attributes: {},
      origin: null,
    };
  });
}

/** Park-Miller. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48271) % 2147483647) / 2147483647;
}

async function picture(side: number): Promise<string> {
  const canvas = new OffscreenCanvas(side, side);
  const pen = canvas.getContext("2d");
  if (!pen) throw new Error("no canvas");
  const random = numbers(3);
  for (let patch = 0; patch < 1500; patch++) {
    pen.fillStyle = `hsl(${Math.floor(random() * 360)} 20% ${20 + Math.floor(random() * 50)}%)`;
    const [x, y, across] = [random() * side, random() * side, (0.02 + 0.1 * random()) * side];
    pen.fillRect(x - across / 2, y - across / 2, across, across);
  }
  return URL.createObjectURL(await canvas.convertToBlob({ type: "image/jpeg", quality: 0.9 }));
}

window.bench = {
  editor: () => null,
  shown: () => {
    throw new Error("nothing is shown yet");
  },
  set: () => undefined,
  said: [],
  view: { scale: 0, turn: 0 },
  ready: false,
};
const root = document.getElementById("root");
if (!root) throw new Error("no #root");
await startI18n();
const images = { preview: await picture(1600), full: await picture(SIDE) };
createRoot(root).render(
  <StrictMode>
    <FluentProvider theme={stageTheme} style={{ height: "100%" }}>
      <Bench images={images} />
    </FluentProvider>
  </StrictMode>,
);
