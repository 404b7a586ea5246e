import { act, fireEvent, render, screen } from "@testing-library/react";
import { createRef, useState, type ReactNode } from "react";
import { beforeAll, beforeEach, describe, expect, it, vi } from "vitest";

import { Annotator, type AnnotatorHandle, type AnnotatorProps } from "@/annotate/Annotator";
import type { Change } from "@/annotate/edits";
import type { Click } from "@/annotate/tools/tool";
import type { ToolId } from "@/annotate/tools/tools";
import type { Annotation } from "@/api/types";
import { startI18n } from "@/i18n/i18n";

import { aBox, aPolygon, rect } from "./play";

/** A stage of 1,032 x 1,032 with an image of 1,000 x 1,000: at scale 1, sixteen pixels from the corner. */
const STAGE = 1032;
const OFFSET = 16;

beforeAll(startI18n);

let frames: FrameRequestCallback[] = [];

beforeEach(() => {
  frames = [];
  vi.spyOn(HTMLElement.prototype, "clientWidth", "get").mockReturnValue(STAGE);
  vi.spyOn(HTMLElement.prototype, "clientHeight", "get").mockReturnValue(STAGE);
  vi.spyOn(HTMLCanvasElement.prototype, "getContext").mockReturnValue(null);
  vi.stubGlobal("requestAnimationFrame", (callback: FrameRequestCallback) => frames.push(callback));
  vi.stubGlobal("cancelAnimationFrame", () => undefined);
  HTMLImageElement.prototype.decode = () => new Promise(() => undefined);
});

function paint(): void {
  for (const callback of frames.splice(0)) callback(0);
}

interface Owner {
  annotations: Annotation[];
  selection: readonly string[];
  changes: Change[];
  notices: unknown[];
}

function mount(start: Annotation[], tool: ToolId, change: Partial<AnnotatorProps> = {}) {
  const owner: Owner = { annotations: start, selection: [], changes: [], notices: [] };
  const handle = createRef<AnnotatorHandle>();
  let ids = 0;
  function Page({ tool: inHand, item = "i1" }: { tool: ToolId; item?: string }): ReactNode {
    const [annotations, setAnnotations] = useState(start);
    const [selection, setSelection] = useState<readonly string[]>([]);
    owner.annotations = annotations;
    owner.selection = selection;
    return (
      <Annotator
        ref={handle}
        label="Image 1"
        item={{ item_id: item, width: 1000, height: 1000, images: { preview: "p", full: "f" } }}
        annotations={annotations}
        selection={selection}
        classes={[{ class_id: "c1", name: "Car", colour: 0 }]}
        activeClassId="c1"
        tool={inHand}
        suggestions={new Map()}
        locked={new Set()}
        settings={{ brightness: 1, contrast: 1, fill: 0.2, guides: true, hidden: false }}
        newId={() => `n${ids++}`}
        onChange={(next, what) => {
          owner.changes.push(what);
          setAnnotations(next);
        }}
        onSelect={setSelection}
        onNotice={(notice) => owner.notices.push(notice)}
        onView={() => undefined}
        onImage={() => undefined}
        {...change}
      />
    );
  }
  const { rerender } = render(<Page tool={tool} />);
  paint();
  const editor = handle.current;
  if (!editor) throw new Error("no handle");
  return {
    owner,
    editor,
    show: (next: ToolId, item?: string) => rerender(<Page tool={next} {...(item && { item })} />),
  };
}

interface Held {
  button?: number;
  pointerId?: number;
  pointerType?: string;
}

/** A pointer event at a place of the image, while the whole image is shown. */
function pointer(
  type: "Down" | "Move" | "Up" | "Cancel",
  x: number,
  y: number,
  how: Held = {},
): void {
  const place = { clientX: OFFSET + x * 1000, clientY: OFFSET + y * 1000 };
  act(() => {
    fireEvent[`pointer${type}`](screen.getByRole("application"), {
      pointerId: 1,
      pointerType: "mouse",
      button: 0,
      ...place,
      ...how,
    });
  });
  act(paint);
}

const near = (x: number, y: number): unknown => [expect.closeTo(x, 9), expect.closeTo(y, 9)];

function click(x: number, y: number): void {
  pointer("Down", x, y);
  pointer("Up", x, y);
}

it("tells its owner once when a box was drawn, and selects it", () => {
  const { owner } = mount([], "box");
  pointer("Down", 0.1, 0.2);
  pointer("Move", 0.2, 0.3);
  pointer("Move", 0.3, 0.4);
  expect(owner.changes).toEqual([]);
  pointer("Up", 0.3, 0.4);
  expect(owner.changes).toEqual([{ what: "draw", ids: ["n0"] }]);
  expect(owner.annotations[0]).toMatchObject({
    class_id: "c1",
    geometry: {
      x0: expect.closeTo(0.1, 9) as number,
      y0: expect.closeTo(0.2, 9) as number,
      x1: expect.closeTo(0.3, 9) as number,
      y1: expect.closeTo(0.4, 9) as number,
    },
  });
  expect(owner.selection).toEqual(["n0"]);
});

it("leaves no box when the pointer is lost or Escape is pressed", () => {
  const { owner, editor } = mount([], "box");
  pointer("Down", 0.1, 0.2);
  pointer("Move", 0.3, 0.4);
  pointer("Cancel", 0.3, 0.4);
  pointer("Up", 0.3, 0.4);
  pointer("Down", 0.1, 0.2);
  pointer("Move", 0.3, 0.4);
  act(() => expect(editor.escape()).toBe(true));
  pointer("Up", 0.3, 0.4);
  expect(owner.annotations).toEqual([]);
  act(() => expect(editor.escape()).toBe(false));
});

it("keeps the draft while the view is panned and zoomed", () => {
  const { owner, editor } = mount([], "polygon");
  click(0.1, 0.1);
  click(0.5, 0.1);
  pointer("Down", 0.7, 0.7, { button: 1 });
  pointer("Move", 0.8, 0.8, { button: 1 });
  pointer("Up", 0.8, 0.8, { button: 1 });
  act(() => editor.hold("pan", "Space"));
  pointer("Down", 0.5, 0.5);
  pointer("Move", 0.6, 0.6);
  pointer("Up", 0.6, 0.6);
  fireEvent.keyUp(window, { code: "Space" });
  fireEvent.wheel(screen.getByRole("application"), { deltaY: -300, clientX: 10, clientY: 10 });
  act(() => editor.fit());
  act(paint);
  click(0.5, 0.5);
  act(() => expect(editor.enter()).toBe(true));
  expect(owner.annotations[0]).toMatchObject({ geometry: { parts: [{ outer: { length: 3 } }] } });
});

it("gives two fingers the view and keeps what one finger drew before", () => {
  const { owner, editor } = mount([], "polygon");
  const touch = (type: "Down" | "Move" | "Up", x: number, y: number, pointerId: number) =>
    pointer(type, x, y, { pointerId, pointerType: "touch" });
  for (const [x, y] of [
    [0.1, 0.1],
    [0.5, 0.1],
    [0.5, 0.5],
  ] as const) {
    touch("Down", x, y, 5);
    touch("Up", x, y, 5);
  }
  touch("Down", 0.7, 0.7, 5);
  touch("Down", 0.8, 0.8, 6);
  touch("Move", 0.9, 0.9, 6);
  touch("Up", 0.9, 0.9, 6);
  touch("Move", 0.2, 0.2, 5);
  touch("Up", 0.2, 0.2, 5);
  act(() => expect(editor.enter()).toBe(true));
  expect(owner.annotations[0]).toMatchObject({ geometry: { parts: [{ outer: { length: 3 } }] } });
});

describe("a pen and the hand that holds it", () => {
  type Kind = "Down" | "Move" | "Up" | "Cancel";
  const pen = (type: Kind, x: number, y: number) =>
    pointer(type, x, y, { pointerId: 9, pointerType: "pen" });
  const touch = (pointerId: number, type: Kind, x: number, y: number) =>
    pointer(type, x, y, { pointerId, pointerType: "touch" });
  const drawByPen = (x = 0.1, meanwhile: () => void = () => undefined): void => {
    pen("Down", x, 0.2);
    pen("Move", x + 0.1, 0.3);
    meanwhile();
    pen("Move", x + 0.2, 0.4);
    pen("Up", x + 0.2, 0.4);
  };
  const near = (value: number) => expect.closeTo(value, 9) as number;
  /** What a pen draws from there. */
  const drawn = (x = 0.1) => ({
    geometry: { kind: "box", x0: near(x), y0: near(0.2), x1: near(x + 0.2), y1: near(0.4) },
  });
  /** `views`: the scale after each move of the view. */
  const watched = () => {
    const views: number[] = [];
    const onView = ({ scale }: { scale: number }) => void views.push(scale);
    const { owner } = mount([], "box", { onView });
    return { owner, views };
  };

  it.each([1, 2])("draws after contacts of the hand lay down: %i", (contacts) => {
    const { owner, views } = watched();
    const hand = (type: Kind, x: number) => {
      for (let n = 0; n < contacts; n++) touch(5 + n, type, x, 0.8 + n / 10);
    };
    drawByPen();
    hand("Down", 0.8);
    drawByPen(0.5, () => hand("Move", 0.82));
    hand("Up", 0.82);
    expect(owner.annotations).toMatchObject([drawn(), drawn(0.5)]);
    expect(views).toHaveLength(1);
  });

  it("draws over what the hand began before a pen was known", () => {
    const { owner, views } = watched();
    touch(5, "Down", 0.8, 0.8);
    touch(5, "Move", 0.9, 0.9);
    drawByPen();
    touch(5, "Up", 0.9, 0.9);
    expect(owner.annotations).toMatchObject([drawn()]);
    expect(views).toHaveLength(1);
  });

  it("is not interrupted by the hand that lies down while it draws", () => {
    const { owner, views } = watched();
    drawByPen(0.1, () => {
      touch(5, "Down", 0.8, 0.8);
      touch(6, "Down", 0.8, 0.9);
      touch(6, "Move", 0.9, 0.95);
      touch(5, "Cancel", 0.8, 0.8);
      touch(6, "Up", 0.9, 0.95);
    });
    expect(owner.annotations).toMatchObject([drawn()]);
    expect(views).toHaveLength(1);
  });

  it("keeps the line to where it hovers while the hand still rests", () => {
    mount([], "polygon");
    const lines = () =>
      [...document.querySelectorAll("path")].map((path) => path.getAttribute("d")).join();
    pen("Down", 0.1, 0.1);
    touch(5, "Down", 0.8, 0.8);
    pen("Up", 0.1, 0.1);
    const short = lines();
    pen("Move", 0.3, 0.3);
    const long = lines();
    expect(long).not.toBe(short);
    touch(5, "Move", 0.81, 0.81);
    expect(lines()).toBe(long);
  });

  it("moves nothing by hovering while the hand moves the view", () => {
    const { views } = watched();
    drawByPen();
    touch(5, "Down", 0.8, 0.8);
    pen("Move", 0.1, 0.1);
    touch(5, "Move", 0.81, 0.8);
    expect(views).toHaveLength(2);
    const picture = screen.getByRole("application").querySelector<HTMLElement>("[style*=matrix]");
    expect(picture?.style.transform).toBe(`matrix(1,0,0,1,${OFFSET + 10},${OFFSET})`);
  });

  it("leaves pinching to two fingers once it is up, with the hand at rest beside them", () => {
    const { owner, views } = watched();
    drawByPen(0.1, () => touch(4, "Down", 0.9, 0.9));
    touch(5, "Down", 0.4, 0.5);
    touch(6, "Down", 0.6, 0.5);
    touch(4, "Up", 0.9, 0.9);
    touch(6, "Move", 0.8, 0.5);
    expect(views.at(-1)).toBeCloseTo(2, 6);
    touch(5, "Up", 0.4, 0.5);
    touch(6, "Up", 0.8, 0.5);
    expect(owner.annotations).toMatchObject([drawn()]);
  });
});

it("takes points of a draft back before its owner undoes shapes", () => {
  const { editor } = mount([], "polygon");
  click(0.1, 0.1);
  act(() => expect(editor.takeBack()).toBe(true));
  act(() => expect(editor.takeBack()).toBe(false));
});

it("brings back by undo the points that Backspace took, and takes others back", () => {
  const { owner, editor } = mount([], "polygon");
  const points = () => owner.notices.filter((one) => (one as { type: string }).type === "points");
  for (const [x, y] of [
    [0.1, 0.1],
    [0.5, 0.1],
    [0.5, 0.5],
  ] as const)
    click(x, y);
  act(() => expect(editor.takeBack()).toBe(true));
  act(() => expect(editor.takeBack()).toBe(true));
  pointer("Move", 0.3, 0.3);
  act(() => expect(editor.undo()).toBe(true));
  act(() => expect(editor.undo()).toBe(true));
  expect(points().map((one) => (one as { count: number }).count)).toEqual([1, 2, 3, 2, 1, 2, 3]);
  act(() => expect(editor.undo()).toBe(true));
  click(0.9, 0.9);
  act(() => editor.finish());
  expect(owner.annotations[0]?.geometry).toMatchObject({
    parts: [{ outer: { 2: near(0.9, 0.9) } }],
  });
});

it("tells of the outline that is drawn, and goes on with one that was kept once its tool is in hand", () => {
  const onDraft = vi.fn();
  const points: [number, number][] = [
    [0.1, 0.1],
    [0.5, 0.1],
  ];
  const kept = { tool: "polygon" as const, points, purpose: "new" as const };
  const { owner, editor, show } = mount([], "pan", { kept, onDraft });
  act(() => expect(editor.isDrafting()).toBe(false));
  show("polygon");
  act(() => expect(editor.isDrafting()).toBe(true));
  expect(onDraft).not.toHaveBeenCalled();
  click(0.5, 0.5);
  expect(onDraft).toHaveBeenLastCalledWith({
    points: [...points, near(0.5, 0.5)],
    purpose: "new",
  });
  act(() => editor.finish());
  expect(onDraft).toHaveBeenLastCalledWith(null);
  expect(owner.annotations).toHaveLength(1);
  show("pan");
  show("polygon");
  act(() => expect(editor.isDrafting()).toBe(false));
});

it("draws by the keyboard alone", () => {
  const { owner, editor } = mount([], "box");
  act(() => {
    editor.arrow({ x: 1, y: 0 });
    editor.enter();
    for (let n = 0; n < 3; n++) editor.arrow({ x: 1, y: 1 }, { far: true });
    editor.enter();
  });
  expect(owner.changes).toHaveLength(1);
  expect(owner.annotations[0]?.geometry.kind).toBe("box");
});

it("closes a polygon drawn by the keyboard when Enter is pressed twice at a place", () => {
  const { owner, editor } = mount([], "polygon");
  act(() => {
    editor.arrow({ x: -1, y: 0 }, { far: true });
    editor.enter();
    editor.arrow({ x: 1, y: 0 }, { far: true });
    editor.enter();
    editor.arrow({ x: 0, y: 1 }, { far: true });
    editor.enter();
    editor.enter();
  });
  expect(owner.annotations[0]).toMatchObject({ geometry: { parts: [{ outer: { length: 3 } }] } });
});

it("takes a corner as two extreme points when Enter is pressed twice there", () => {
  const { owner, editor } = mount([], "extreme");
  act(() => {
    editor.arrow({ x: -1, y: -1 }, { far: true });
    editor.enter();
    editor.enter();
    editor.arrow({ x: 1, y: 1 }, { far: true });
    editor.enter();
    editor.enter();
  });
  expect(owner.annotations[0]?.geometry.kind).toBe("box");
});

it("tells which shapes are on the stage and large enough to be looked at", () => {
  const { editor } = mount(
    [
      aBox("b", 0.4, 0.4, 0.6, 0.6),
      aBox("speck", 0.1, 0.1, 0.104, 0.104),
      aBox("c", 0, 0, 0.1, 0.1),
    ],
    "select",
  );
  expect(editor.inView()).toEqual(["b", "c"]);
  click(0.5, 0.5);
  act(() => editor.zoomToSelection());
  expect(editor.inView()).toEqual(["b"]);
});

it("tells that there is something to see once shapes that were hidden are shown again", () => {
  const views: unknown[] = [];
  const { editor } = mount([aBox("b", 0.4, 0.4, 0.6, 0.6)], "select", {
    onView: (view) => views.push(view),
  });
  act(() => editor.hold("hide", "KeyH"));
  paint();
  expect(editor.inView()).toEqual([]);
  const before = views.length;
  fireEvent.keyUp(window, { code: "KeyH" });
  paint();
  expect(editor.inView()).toEqual(["b"]);
  expect(views.length).toBe(before + 1);
});

it("takes a speck for looked at from as near as one can get", () => {
  const { editor } = mount([aBox("speck", 0.5, 0.5, 0.50001, 0.50001)], "select");
  expect(editor.inView()).toEqual([]);
  act(() => {
    editor.selectAll();
    editor.zoomToSelection();
  });
  expect(editor.inView()).toEqual(["speck"]);
});

it("puts the crosshair away by Esc when there is nothing else to give up: Enter is its owner's again", () => {
  const { owner, editor } = mount([], "box");
  act(() => {
    editor.arrow({ x: 1, y: 0 });
    editor.enter();
    editor.arrow({ x: 1, y: 1 }, { far: true });
    editor.enter();
  });
  act(() => expect(editor.escape()).toBe(true));
  act(() => expect(editor.escape()).toBe(false));
  act(() => expect(editor.enter()).toBe(false));
  expect(owner.annotations).toHaveLength(1);
});

it("nudges as seen on the screen, also when the view is turned", () => {
  const { owner, editor } = mount([aBox("b", 0.4, 0.4, 0.6, 0.6)], "select");
  click(0.5, 0.5);
  act(() => editor.arrow({ x: 1, y: 0 }));
  expect(owner.annotations[0]?.geometry).toMatchObject({ x0: expect.closeTo(0.401, 9) as number });
  act(() => editor.turn(1));
  act(() => editor.arrow({ x: 1, y: 0 }, { far: true }));
  expect(owner.annotations[0]?.geometry).toMatchObject({
    x0: expect.closeTo(0.401, 9) as number,
    y0: expect.closeTo(0.39, 9) as number,
  });
});

it("gives the draft up with the tool or the image", () => {
  const { owner, editor, show } = mount([], "polygon");
  click(0.1, 0.1);
  show("box");
  expect(editor.isDrafting()).toBe(false);
  show("polygon");
  click(0.1, 0.1);
  show("polygon", "i2");
  expect(editor.isDrafting()).toBe(false);
  expect(owner.annotations).toEqual([]);
});

it("pulls the handle of the box just drawn without changing the tool", () => {
  const { owner } = mount([], "box");
  pointer("Down", 0.1, 0.1);
  pointer("Move", 0.3, 0.3);
  pointer("Up", 0.4, 0.4);
  pointer("Down", 0.4, 0.4);
  pointer("Move", 0.5, 0.5);
  pointer("Up", 0.6, 0.6);
  expect(owner.changes.map((change) => change.what)).toEqual(["draw", "resize"]);
  expect(owner.annotations).toHaveLength(1);
});

it("adjusts a suggested box whose corner is pulled with the box tool, and draws elsewhere", () => {
  const origin = { prelabel: "p1", run_id: "r1", changed: false };
  const suggested = { ...aBox("s", 0.2, 0.2, 0.5, 0.5), origin };
  const { owner } = mount([suggested, aBox("own", 0.6, 0.6, 0.9, 0.9)], "box");
  pointer("Down", 0.5, 0.5);
  pointer("Move", 0.52, 0.55);
  pointer("Up", 0.55, 0.6);
  expect(owner.changes.map((change) => change.what)).toEqual(["resize"]);
  expect(owner.selection).toEqual(["s"]);
  expect(owner.annotations[0]?.geometry).toMatchObject({ x0: 0.2, y0: 0.2 });
  // The corner of a box that nobody selected, and that is no suggestion.
  pointer("Down", 0.9, 0.9);
  pointer("Move", 0.93, 0.93);
  pointer("Up", 0.95, 0.95);
  expect(owner.changes.map((change) => change.what)).toEqual(["resize", "draw"]);
});

it("zooms by a wheel with Ctrl as finely as by the wheel alone, and by two fingers as they move", () => {
  let scale = 1;
  mount([], "box", { onView: (view) => (scale = view.scale) });
  const zoomedBy = (deltaY: number, ctrlKey: boolean) => {
    const before = scale;
    act(() => {
      fireEvent.wheel(screen.getByRole("application"), { deltaY, ctrlKey });
    });
    act(paint);
    return scale / before;
  };
  expect(zoomedBy(-100, true)).toBeCloseTo(zoomedBy(-100, false), 6);
  expect(zoomedBy(-4, true)).toBeGreaterThan(zoomedBy(-4, false));
});

it("says when what was drawn crosses itself", () => {
  const { owner, editor } = mount([], "polygon");
  for (const [x, y] of [
    [0.1, 0.1],
    [0.8, 0.5],
    [0.5, 0.1],
    [0.1, 0.3],
  ] as const)
    click(x, y);
  act(() => void editor.enter());
  expect(owner.notices.at(-1)).toEqual({ type: "tangled", ids: ["n0"] });
});

it("draws nothing without a class, and says so", () => {
  const { owner } = mount([], "box", { activeClassId: null });
  pointer("Down", 0.1, 0.1);
  pointer("Move", 0.3, 0.3);
  pointer("Up", 0.4, 0.4);
  expect(owner.annotations).toEqual([]);
  expect(owner.notices).toEqual([{ type: "refused", why: "noClass" }]);
});

it("moves and deletes what was gone on to, not the point clicked before", () => {
  const shapes = [aPolygon("a", rect(0.2, 0.2, 0.4, 0.4)), aPolygon("b", rect(0.6, 0.6, 0.8, 0.8))];
  const { owner, editor } = mount(shapes, "points");
  click(0.3, 0.3);
  click(0.4, 0.4);
  act(() => editor.cycle(1));
  expect(owner.selection).toEqual(["b"]);
  act(() => editor.arrow({ x: 1, y: 0 }));
  act(() => editor.deleteSelected());
  expect(owner.changes).toEqual([
    { what: "nudge", ids: ["b"] },
    { what: "delete", ids: ["b"] },
  ]);
  expect(owner.annotations).toEqual(shapes.slice(0, 1));
});

it("copies into the next image", () => {
  const { owner, editor, show } = mount([aPolygon("p", rect(0.2, 0.2, 0.4, 0.4))], "select");
  click(0.3, 0.3);
  act(() => editor.copy());
  show("select", "i2");
  act(() => editor.paste());
  expect(owner.changes).toEqual([{ what: "paste", ids: ["n0"] }]);
});

it("shows a newly drawn polygon's points as handles", () => {
  mount([aPolygon("p", rect(0.2, 0.2, 0.4, 0.4))], "select");
  click(0.3, 0.3);
  const dots = [...document.querySelectorAll("path")].map((path) => path.getAttribute("d") ?? "");
  expect(dots.some((d) => d.split("h.01").length === 5)).toBe(true);
});

describe("with the tool in hand", () => {
  const corners = rect(0.2, 0.2, 0.6, 0.6);
  const pulled = (): void => {
    pointer("Move", 0.6, 0.6);
    pointer("Down", 0.6, 0.6);
    pointer("Move", 0.65, 0.65);
    pointer("Move", 0.7, 0.7);
    pointer("Up", 0.7, 0.7);
  };
  const reached = (annotation: Annotation | undefined): boolean =>
    annotation?.geometry.kind === "polygon" &&
    (annotation.geometry.parts[0]?.outer.some(([x, y]) => Math.hypot(x - 0.7, y - 0.7) < 1e-6) ??
      false);

  it("a polygon that was suggested is adjusted by dragging a point of it", () => {
    const suggestions = new Map([["a", { confidence: 0.8, touched: false }]]);
    const { owner, editor } = mount([aPolygon("a", corners)], "polygon", { suggestions });
    act(() => editor.cycle(1));
    act(paint);
    pulled();
    expect(owner.changes).toEqual([{ what: "points", ids: ["a"] }]);
    expect(reached(owner.annotations[0])).toBe(true);
  });

  it("a polygon that somebody drew is left, since the next one may begin at its point", () => {
    const { owner, editor } = mount([aPolygon("a", corners)], "polygon");
    act(() => editor.cycle(1));
    act(paint);
    pulled();
    expect(reached(owner.annotations[0])).toBe(false);
  });

  it("what clicks outline is drawn once it is taken, by the owner's word alone", () => {
    const asked: (readonly Click[])[] = [];
    const { owner, editor } = mount([], "click", { onAsk: (clicks) => asked.push(clicks) });
    click(0.4, 0.4);
    expect(asked).toEqual([[{ at: [0.4, 0.4], isInside: true }]]);
    act(() => editor.finish());
    expect(owner.annotations).toEqual([]);
    expect(owner.notices.at(-1)).toEqual({ type: "refused", why: "notOutlinedYet" });
  });
});

it("draws a polygon of four corners by dragging a rectangle", () => {
  const { owner } = mount([], "rectangle");
  pointer("Down", 0.1, 0.2);
  pointer("Move", 0.3, 0.4);
  pointer("Up", 0.3, 0.4);
  expect(owner.annotations[0]?.geometry).toMatchObject({ kind: "polygon" });
});
