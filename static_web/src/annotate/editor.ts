/**
 * The editor on its element: pointers become events of the tool in hand or moves of the view, effects
 * become changes that the owner hears of, and the layers follow. It keeps no history and does not own
 * the annotations; between a change and the owner's answer it shows the change.
 */
import type { Annotation, LabelClass } from "@/api/types";

import {
  classified,
  copied,
  cycled,
  deleted,
  drawn,
  lastBoxSize,
  merged,
  nudged,
  pasted,
  replaced,
  tangled,
  withFewerPoints,
  withOthersSubtracted,
  withoutCrossings,
  type Change,
  type Context,
  type Copied,
  type Edit,
  type Outcome,
  type Refused,
} from "./edits";
import {
  boundsOf,
  boundsOfAll,
  clampPoint,
  shapeOf,
  type Point,
  type Shape,
  type Size,
} from "./geometry";
import {
  isIgnored,
  NO_HANDS,
  step,
  withoutPress,
  type Contact,
  type Deed,
  type Hands,
} from "./gestures";
import { createImageLayer, type ImageState, type Picture } from "./render/imageLayer";
import { looks, type Looks, type Suggestion } from "./render/look";
import { createOverlay } from "./render/overlay";
import { createShapesLayer, type ShapesLayer } from "./render/shapesLayer";
import { gripAt, type Grip } from "./tools/select";
import type { Click, Draft, Effect, Press, Proposal, Scene, Sketch, ToolEvent } from "./tools/tool";
import { DRAWING, newMachine, type Machine, type ToolId } from "./tools/tools";
import {
  fitted,
  isFitted,
  isInView,
  panned,
  resized,
  toImage,
  toImageMove,
  toScreen,
  turned,
  zoomedAt,
  zoomedTo,
  type Turn,
  type Viewport,
} from "./viewport";

/** How the picture and the shapes are shown; none of it changes an annotation. */
export interface Settings {
  /** 1 is as it is. */
  brightness: number;
  contrast: number;
  /** Of the areas of shapes, in [0, 1]; their lines are always drawn in full. */
  fill: number;
  /** Lines through the pointer while a box is drawn. */
  guides: boolean;
  /** Shapes are not shown at all. */
  hidden: boolean;
}

/** What there is to say that no change tells. */
export type Notice =
  | { type: "refused"; why: Refused | "noClass" }
  /** Points of the draft so far. */
  | { type: "points"; count: number }
  /** The outline of what was just drawn or changed crosses itself. */
  | { type: "tangled"; ids: readonly string[] };

export interface EditorProps {
  item: Picture;
  annotations: readonly Annotation[];
  selection: readonly string[];
  classes: readonly Pick<LabelClass, "class_id" | "name" | "colour">[];
  /** The class of the next shape; null: nothing can be drawn. */
  activeClassId: string | null;
  tool: ToolId;
  suggestions: ReadonlyMap<string, Suggestion>;
  /** Annotations that cannot be changed. */
  locked: ReadonlySet<string>;
  settings: Settings;
  newId: () => string;
  percent: (share: number) => string;
  onChange: (annotations: Annotation[], change: Change) => void;
  onSelect: (ids: readonly string[]) => void;
  onNotice: (notice: Notice) => void;
  /** The view has moved, or the shapes that were hidden are to be seen again. */
  onView: (view: { scale: number; turn: Turn; fits: boolean }) => void;
  onImage: (state: ImageState) => void;
  /** Where the pointer is, in pixels of the image; null: it is elsewhere. */
  onPoint?: (at: Point | null) => void;
  /** What clicks outline, of the last that were asked about; null: nothing yet. */
  proposal?: Proposal | null;
  /** What do these clicks outline? None: nothing is asked any more. */
  onAsk?: (clicks: readonly Click[]) => void;
  /** An outline begun before, to go on with once its tool is in hand on this image. */
  kept?: (Draft & { tool: ToolId }) | null;
  /** The outline that is not closed yet, after each of its points; null: there is none. */
  onDraft?: (draft: Draft | null) => void;
}

/** What the keyboard and the buttons around the editor can ask of it. */
export interface EditorCommands {
  focus(): void;
  fit(): void;
  /** About the middle of the stage. */
  zoomBy(factor: number): void;
  zoomToSelection(): void;
  /** By quarter turns, clockwise. */
  turn(quarters: number): void;
  /** Until the key with this code is released: a drag moves the view, or shapes are hidden. */
  hold(what: "pan" | "hide", code: string): void;
  isDrafting(): boolean;
  /** Which annotations are on the stage, large enough to be looked at. */
  inView(): string[];
  /** Where a place on the screen lies, in pixels of the image; outside of it too. */
  pixelAt(event: { clientX: number; clientY: number }): Point | null;
  /** Sets a point at the crosshair of the keyboard, or closes the draft. False: there was neither. */
  enter(): boolean;
  /** Closes the draft, or takes what is proposed. */
  finish(): void;
  /**
   * Gives up the draft, else lets go of the selection. False: there was neither; the crosshair of the
   * keyboard is put away.
   */
  escape(): boolean;
  /** Takes back the last point of the draft. False: there is no draft. */
  takeBack(): boolean;
  /** Brings back the points of the draft that were taken back, else is as `takeBack`. */
  undo(): boolean;
  /**
   * Moves by the arrow keys, as seen on the screen: the selection by 1 pixel of the image (with
   * `far` 10), the crosshair of a drawing tool (with `fine` by 1 pixel), else the view.
   */
  arrow(direction: { x: -1 | 0 | 1; y: -1 | 0 | 1 }, how?: { far?: boolean; fine?: boolean }): void;
  cycle(by: 1 | -1): void;
  selectAll(): void;
  /** The selected point of a polygon, else the selected shapes. */
  deleteSelected(): void;
  deleteAll(): void;
  copy(): void;
  paste(): void;
  duplicate(): void;
  classify(classId: string): void;
  merge(): void;
  subtract(): void;
  simplify(): void;
  untangle(): void;
}

export interface Editor {
  update(props: EditorProps): void;
  commands: EditorCommands;
  destroy(): void;
}

/** Tools that draw a shape of its own. */
const MAKING: ReadonlySet<ToolId> = new Set([
  "box",
  "rectangle",
  "extreme",
  "template",
  "polygon",
  "freehand",
  "click",
]);
/** Tools with lines through the pointer. */
const GUIDED: ReadonlySet<ToolId> = new Set(["box", "rectangle", "extreme"]);
/** How near to a handle counts as on it, in CSS pixels. */
const REACH_PX = 9;
const TOUCH_REACH_PX = 18;
/** Smaller than this, in CSS pixels along its longer side, a shape can't be judged. */
const SEEN_PX = 8;
/** More selected shapes than this stay on the canvas. */
const MAX_LIFTED = 60;
const WHEEL_PER_PX = 0.0016;
const PINCH_PER_PX = 0.01;
/** A notch of a wheel is further than two fingers on a touchpad move between two events. */
const NOTCH_PX = 50;
const LINE_PX = 16;
const CURSOR_STEP_PX = 6;
const CURSOR_FAR_PX = 48;
const PAN_STEP_PX = 48;
/** A template where nothing was drawn yet: this share of the shorter side, but 50 pixels at least. */
const TEMPLATE_SHARE = 1 / 16;
const TEMPLATE_LEAST_PX = 50;

/** What was copied last, for all images. */
let clipboard: Copied | null = null;

interface Shown {
  view: Viewport | null;
  annotations: readonly Annotation[];
  /** Drawn by the overlay, with their place in the list. */
  lifted: readonly { annotation: Annotation; index: number }[];
  handled: ReadonlySet<string>;
  /** Left out by the canvas. */
  without: ReadonlySet<string>;
  /** Drawn as selected by the canvas. */
  strong: ReadonlySet<string>;
}

export function createEditor(host: HTMLElement, first: EditorProps): Editor {
  let props = first;
  let size: Size = { width: first.item.width, height: first.item.height };
  let annotations: readonly Annotation[] = first.annotations;
  let selection: readonly string[] = first.selection;
  let view: Viewport = fitted(stageOf(host), size);
  let look: Looks = looks(first.classes, first.suggestions, first.percent);
  let machine = newMachine(first.tool);
  /** Pulls the sides of the selected box while a box tool is in hand. */
  const adjuster = newMachine("select");
  let hands: Hands = NO_HANDS;
  /** What the press in hand is for. */
  let pressed: Machine = machine;
  let last: PointerEvent | null = null;
  let cursor: { at: Point; by: "pointer" | "keys" } | null = null;
  let hovered: Grip = { kind: "ground" };
  let held: { what: "pan" | "hide"; code: string } | null = null;
  let frame = 0;
  /** What the last frame showed. */
  /** Whether no shape was to be seen in the last frame. */
  let hidden = false;
  let shown: Shown = {
    view: null,
    annotations: [],
    lifted: [],
    handled: new Set(),
    without: new Set(),
    strong: new Set(),
  };

  const layers = document.createElement("div");
  Object.assign(layers.style, { position: "absolute", inset: "0", overflow: "hidden" });
  host.append(layers);
  const image = createImageLayer(layers, (state) => props.onImage(state));
  const shapesHost = document.createElement("div");
  Object.assign(shapesHost.style, { position: "absolute", inset: "0" });
  layers.append(shapesHost);
  const shapes = createShapesLayer(shapesHost);
  let crowdLayer: ShapesLayer | null = null;
  let crowdIsUp = false;
  const overlay = createOverlay(layers);
  image.show(props.item);

  const reachPx = (): number => (last?.pointerType === "touch" ? TOUCH_REACH_PX : REACH_PX);

  const scene = (): Scene => ({
    size,
    annotations,
    selection,
    locked: props.locked,
    reach: reachPx() / view.scale,
    stamp: lastBoxSize(annotations, size) ?? stamp ?? usualStamp(size),
    proposal: props.proposal ?? null,
  });
  let stamp: Size | null = null;

  const context = (): Context => ({
    annotations,
    selection,
    locked: props.locked,
    size,
    newId: props.newId,
  });

  const schedule = (): void => {
    frame ||= requestAnimationFrame(render);
  };

  const say = (notice: Notice): void => props.onNotice(notice);

  const select = (ids: readonly string[]): void => {
    if (ids.length === selection.length && ids.every((id, index) => id === selection[index]))
      return;
    selection = ids;
    props.onSelect(ids);
    schedule();
  };

  const commit = ({ annotations: next, change, selection: chosen }: Edit): void => {
    annotations = next;
    props.onChange([...next], change);
    select(chosen);
    stamp = lastBoxSize(next, size) ?? stamp;
    const touched = next.filter((one) => change.ids.includes(one.annotation_id));
    const crossed = change.what === "nudge" || change.what === "move" ? [] : tangled(touched);
    if (crossed.length) say({ type: "tangled", ids: crossed });
    schedule();
  };

  const perform = (outcome: Outcome): void => {
    if ("refused" in outcome) say({ type: "refused", why: outcome.refused });
    else commit(outcome);
  };

  const carryOut = (effect: Effect): void => {
    switch (effect.type) {
      case "add":
        if (props.activeClassId === null) say({ type: "refused", why: "noClass" });
        else commit(drawn(context(), effect.geometry, props.activeClassId));
        return;
      case "replace":
        commit(replaced(context(), effect));
        return;
      case "select":
        select(effect.ids);
        return;
      case "ask":
        props.onAsk?.(effect.clicks);
        return;
      case "refuse":
        say({ type: "refused", why: effect.why });
        return;
      case "points":
        say(effect);
    }
  };

  const send = (event: ToolEvent, to: Machine = machine): Effect[] => {
    const effects = to.send(event, scene());
    effects.forEach(carryOut);
    tellDraft();
    schedule();
    return effects;
  };

  let told: Draft["points"] | undefined;
  const tellDraft = (): void => {
    const draft = machine.draft();
    if (draft?.points === told) return;
    told = draft?.points;
    props.onDraft?.(draft);
  };

  /** What was begun before waits for its tool, and is gone on with once. */
  let waiting = first.kept ?? null;
  const goOn = (): void => {
    if (waiting?.tool !== props.tool) return;
    machine.resume(waiting);
    told = machine.draft()?.points;
    waiting = null;
  };

  const lookAt = (next: Viewport): void => {
    view = next;
    schedule();
  };

  /** After the view has moved under a pointer or a crosshair that stands still, the draft follows it. */
  const refollow = (): void => {
    if (!last) return;
    if (isPressed()) send(press("move", last), pressed);
    else if (cursor?.by === "pointer" && machine.isDrafting()) {
      cursor = { at: toImage(view, place(last)), by: "pointer" };
      send(press("move", last));
    }
  };

  const press = (type: Press["type"], event: PointerEvent): Press => ({
    type,
    at: toImage(view, place(event)),
    shift: event.shiftKey,
    alt: event.altKey,
    mod: event.ctrlKey || event.metaKey,
    pen: event.pointerType === "pen",
    time: event.timeStamp,
  });

  let corner: Point = [0, 0];
  const measure = (): void => {
    const { left, top } = host.getBoundingClientRect();
    corner = [left, top];
  };
  const place = (event: { clientX: number; clientY: number }): Point => [
    event.clientX - corner[0],
    event.clientY - corner[1],
  ];

  const pixelAt = (event: { clientX: number; clientY: number }): Point => {
    const [x, y] = toImage(view, place(event));
    return [x * view.image.width, y * view.image.height];
  };

  const lifted = ({ shapes: changing }: Sketch): Shown["lifted"] => {
    const wanted = new Set(selection.length <= MAX_LIFTED ? selection : []);
    for (const id of changing?.keys() ?? []) wanted.add(id);
    const isSame =
      shown.annotations === annotations &&
      shown.lifted.length === wanted.size &&
      shown.lifted.every((one) => wanted.has(one.annotation.annotation_id));
    if (isSame) return shown.lifted;
    return annotations.flatMap((annotation, index) =>
      wanted.has(annotation.annotation_id) ? [{ annotation, index }] : [],
    );
  };

  const render = (): void => {
    frame = 0;
    const now = scene();
    const active = isPressed() ? pressed : machine;
    const drafted = active.sketch(now);
    const crowd = isCrowd(drafted) ? drafted.shapes : undefined;
    const sketch = crowd ? {} : drafted;
    if (crowd) showCrowd(crowd);
    const up = lifted(sketch);
    const upIds = up.map((one) => one.annotation.annotation_id);
    const without = sameSet(shown.without, new Set(crowd && crowdIsUp ? crowd.keys() : upIds));
    const strong = sameSet(
      shown.strong,
      new Set(selection.length > MAX_LIFTED ? selection.filter((id) => !without.has(id)) : []),
    );
    image.follow(view);
    const moved = shown.view !== view;
    const handled = sameSet(shown.handled, withHandles());
    shown = { view, annotations, lifted: up, handled, without, strong };
    shapes.show({ annotations, looks: look, without, strong, fill: props.settings.fill });
    shapes.follow(view);
    if (!crowd) dropCrowd();
    const hides = isHidden();
    const shownAgain = hidden && !hides;
    hidden = hides;
    shapes.setVisible(!hides);
    crowdLayer?.setVisible(!hides && crowdIsUp);
    overlay.setVisible(!hides);
    const drawing = DRAWING.has(props.tool) && !isPanning();
    overlay.draw({
      view,
      looks: look,
      lifted: up,
      handled,
      sketch,
      draftClass: props.activeClassId ?? "",
      hovered: hides ? null : hoveredShape(),
      cursor: drawing && cursor ? clampPoint(cursor.at) : null,
      cross: cursor?.by === "keys",
      guides: props.settings.guides && GUIDED.has(props.tool),
      fill: props.settings.fill,
    });
    host.style.cursor = cursorStyle();
    if (moved || shownAgain)
      props.onView({ scale: view.scale, turn: view.turn, fits: isFitted(view) });
  };

  /** Very many that are moved together are painted once, and then shifted. */
  const showCrowd = (moving: ReadonlyMap<string, Shape>): void => {
    const [first] = moving;
    const from = shapeById(first?.[0]);
    if (!first || !from) return;
    if (!crowdLayer) {
      crowdLayer = createShapesLayer(shapesHost);
      crowdLayer.show({
        annotations: annotations.filter((one) => moving.has(one.annotation_id)),
        looks: look,
        without: new Set(),
        strong: new Set(moving.keys()),
        fill: props.settings.fill,
      });
      crowdLayer.follow(view);
    }
    const [ax, ay] = toScreen(view, cornerOf(from));
    const [bx, by] = toScreen(view, cornerOf(first[1]));
    crowdLayer.follow({ ...view, x: view.x + bx - ax, y: view.y + by - ay });
    // Until it is painted, the shapes stay where they are seen.
    crowdIsUp ||= !crowdLayer.isPainting();
    if (!crowdIsUp) schedule();
  };

  /** Takes the crowd away, once the others have been painted with it. */
  const dropCrowd = (): void => {
    if (!crowdLayer) return;
    if (shapes.isPainting()) {
      schedule();
      return;
    }
    crowdLayer.destroy();
    crowdLayer = null;
    crowdIsUp = false;
  };

  const isHidden = (): boolean => props.settings.hidden || held?.what === "hide";

  const isPressed = (): boolean => hands.gesture?.name === "draw";

  /** Whatever is pressed next moves the view. */
  const pans = (): boolean => held?.what === "pan" || props.tool === "pan";
  const isPanning = (): boolean => hands.gesture?.name === "pan" || pans();

  const withHandles = (): ReadonlySet<string> => {
    const [id] = selection;
    if (selection.length !== 1 || id === undefined || props.locked.has(id)) return new Set();
    const isEditing = props.tool === "select" || props.tool === "points";
    return isEditing || canAdjust() ? new Set([id]) : new Set();
  };

  /**
   * With a tool in hand that draws shapes, the selected box can still be pulled by its handles; a polygon that was
   * suggested too, but no other: the next one often begins at a point of it.
   */
  const canAdjust = (): boolean => {
    const [id] = selection;
    if (!MAKING.has(props.tool) || machine.isDrafting() || id === undefined) return false;
    return shapeById(id)?.kind === "box" || props.suggestions.has(id);
  };

  const shapeById = (id: string | undefined): Shape | null =>
    id === undefined ? null : shapeOf(annotations.find((one) => one.annotation_id === id));

  const hoveredShape = (): Shape | null => {
    if (hovered.kind !== "body" || hands.gesture || selection.includes(hovered.id)) return null;
    return shapeById(hovered.id);
  };

  const cursorStyle = (): string => {
    const { gesture } = hands;
    if (gesture?.name === "pan") return "grabbing";
    if (isPanning()) return "grab";
    if (hovered.kind === "side") return sideCursor(hovered.side, view.turn);
    if (hovered.kind === "point" && !gesture) return "pointer";
    if (DRAWING.has(props.tool)) return "crosshair";
    if (gesture) return hovered.kind === "body" ? "move" : "";
    if (hovered.kind === "edge") return "copy";
    return hovered.kind === "body" && selection.includes(hovered.id) ? "move" : "";
  };

  const hover = (at: Point): void => {
    const isEditing = props.tool === "select" || props.tool === "points";
    hovered =
      isPanning() || (!isEditing && !canAdjust())
        ? { kind: "ground" }
        : gripAt(at, scene(), { points: props.tool === "points", handles: !isEditing });
  };

  /**
   * The corner of a suggested box, with a box tool in hand: who pulls it wants to adjust the suggestion, and
   * not to draw a tiny box beside it.
   */
  const suggestedCornerAt = (at: Point): Extract<Grip, { kind: "side" }> | null => {
    if (!GUIDED.has(props.tool) || machine.isDrafting() || hovered.kind !== "ground") return null;
    for (const { annotation_id: id, geometry, origin } of annotations) {
      if (!(origin ?? props.suggestions.has(id)) || geometry.kind !== "box" || props.locked.has(id))
        continue;
      const grip = gripAt(at, { ...scene(), selection: [id] }, { points: false, handles: true });
      if (grip.kind === "side" && grip.side.x && grip.side.y) return grip;
    }
    return null;
  };

  const begin = (event: PointerEvent): void => {
    cursor = { at: toImage(view, place(event)), by: "pointer" };
    hover(cursor.at);
    const suggested = suggestedCornerAt(cursor.at);
    if (suggested) {
      select([suggested.id]);
      hovered = suggested;
    }
    const isHandle = hovered.kind === "side" || hovered.kind === "point";
    const adjusts = DRAWING.has(props.tool) && isHandle && !event.altKey;
    pressed = adjusts ? adjuster : machine;
    send(press("down", event), pressed);
  };

  /** Carries out what came of a pointer. */
  const doDeed = (deed: Deed, event: PointerEvent): void => {
    switch (deed.type) {
      case "grab":
        if (event.button === 1) event.preventDefault();
        capture(host, event.pointerId);
        break;
      case "press":
        begin(event);
        capture(host, event.pointerId);
        break;
      case "drag": {
        cursor = { at: toImage(view, place(event)), by: "pointer" };
        // A line by hand is made of everything that the pointer did between two frames.
        const all = pressed.state() === "tracing" ? event.getCoalescedEvents() : [];
        for (const one of all.length ? all : [event]) send(press("move", one), pressed);
        break;
      }
      case "release":
        send(press("up", event), pressed);
        if (event.pointerType === "touch") cursor = null;
        hover(toImage(view, place(event)));
        break;
      case "interrupt":
        send({ type: "interrupt" }, pressed);
        break;
      case "hover":
        cursor = { at: toImage(view, place(event)), by: "pointer" };
        hover(cursor.at);
        send(press("move", event));
        break;
      case "rest":
        hover(toImage(view, place(event)));
        break;
      case "pan":
        lookAt(panned(view, deed.by));
        break;
      case "pinch":
        lookAt(zoomedAt(panned(view, deed.by), deed.about, deed.factor));
    }
    schedule();
  };

  const hear =
    (type: Contact["type"]) =>
    (event: PointerEvent): void => {
      if (type === "down") measure();
      const kind =
        event.pointerType === "touch" || event.pointerType === "pen" ? event.pointerType : "mouse";
      const { pointerId: pointer, button } = event;
      const contact: Contact = { type, pointer, kind, at: place(event), button };
      if (isIgnored(hands, contact)) return;
      if (type === "move") props.onPoint?.(pixelAt(event));
      const [next, deeds] = step(hands, contact, pans());
      if (next.last !== hands.last) last = event;
      hands = next;
      for (const deed of deeds) doDeed(deed, event);
      if (type === "lost") schedule();
    };

  const leave = (): void => {
    if (hands.gesture) return;
    props.onPoint?.(null);
    if (cursor?.by === "pointer") cursor = null;
    hovered = { kind: "ground" };
    schedule();
  };

  const wheel = (event: WheelEvent): void => {
    event.preventDefault();
    measure();
    const pixels = event.deltaMode === 1 ? event.deltaY * LINE_PX : event.deltaY;
    // Browsers tell of two fingers on a touchpad as of a wheel with Ctrl; a wheel itself zooms as without it.
    const isPinch = event.ctrlKey && Math.abs(pixels) < NOTCH_PX;
    const speed = isPinch ? PINCH_PER_PX : WHEEL_PER_PX;
    lookAt(zoomedAt(view, place(event), Math.exp(-pixels * speed)));
    refollow();
  };

  const released = (event: KeyboardEvent): void => {
    if (held?.code === event.code) letGo();
  };
  const letGo = (): void => {
    held = null;
    schedule();
  };

  const listening = new AbortController();
  const { signal } = listening;
  host.addEventListener("pointerenter", measure, { signal });
  host.addEventListener("pointerdown", hear("down"), { signal });
  host.addEventListener("pointermove", hear("move"), { signal });
  host.addEventListener("pointerup", hear("up"), { signal });
  host.addEventListener("pointercancel", hear("lost"), { signal });
  host.addEventListener("lostpointercapture", hear("lost"), { signal });
  host.addEventListener("pointerleave", leave, { signal });
  host.addEventListener("wheel", wheel, { signal, passive: false });
  host.addEventListener("contextmenu", (event) => event.preventDefault(), { signal });
  window.addEventListener("keyup", released, { signal });
  window.addEventListener("blur", letGo, { signal });
  const observer = new ResizeObserver(() => {
    const stage = stageOf(host);
    if (stage.width === view.stage.width && stage.height === view.stage.height) return;
    lookAt(resized(view, stage));
  });
  observer.observe(host);
  goOn();
  schedule();

  /** Gives up whatever is being done. */
  const cancel = (): void => {
    if (isPressed()) send({ type: "cancel" }, pressed);
    hands = withoutPress(hands);
    send({ type: "cancel" });
  };

  const takeBack = (type: "back" | "undo"): boolean => {
    if (isPressed()) {
      send({ type: "interrupt" }, pressed);
      hands = withoutPress(hands);
      return true;
    }
    if (!machine.isDrafting()) return false;
    keyed = null;
    send({ type });
    return true;
  };

  const commands: EditorCommands = {
    focus: () => host.focus({ preventScroll: true }),
    fit: () => lookAt(fitted(view.stage, size, view.turn)),
    zoomBy(factor) {
      lookAt(zoomedAt(view, [view.stage.width / 2, view.stage.height / 2], factor));
      refollow();
    },
    zoomToSelection() {
      const bounds = boundsOfAll(selection.flatMap((id) => shapeById(id) ?? []));
      if (bounds) lookAt(zoomedTo(view, bounds));
      else say({ type: "refused", why: "nothingSelected" });
    },
    turn: (quarters) => lookAt(turned(view, quarters)),
    hold(what, code) {
      if (held) return;
      held = { what, code };
      schedule();
    },
    isDrafting: () => machine.isDrafting(),
    pixelAt,
    inView() {
      if (isHidden()) return [];
      return annotations.flatMap((one) => {
        const shape = shapeOf(one);
        return shape && isInView(view, boundsOf(shape), SEEN_PX) ? [one.annotation_id] : [];
      });
    },
    enter() {
      if (DRAWING.has(props.tool) && cursor?.by === "keys") {
        const at = clampPoint(cursor.at);
        const before = keyed;
        keyed = at;
        const again = before?.[0] === at[0] && before[1] === at[1] && machine.isDrafting();
        // Two extreme points may well be the same: where a corner of the thing is one of the box.
        if (again && props.tool !== "extreme") {
          keyed = null;
          send({ type: "finish" });
        } else {
          send(keyPress("down", at));
          send(keyPress("up", at));
        }
        return true;
      }
      if (!machine.isDrafting()) return false;
      send({ type: "finish" });
      return true;
    },
    finish: () => void send({ type: "finish" }),
    escape() {
      if (isPressed() || machine.isDrafting()) {
        cancel();
        keyed = null;
        return true;
      }
      if (!selection.length) {
        // Who leaves is done with drawing: from now on Enter sets no point.
        if (cursor?.by === "keys") cursor = null;
        schedule();
        return false;
      }
      send({ type: "cancel" });
      select([]);
      return true;
    },
    takeBack: () => takeBack("back"),
    undo: () => takeBack("undo"),
    arrow({ x, y }, { far = false, fine = false } = {}) {
      if (DRAWING.has(props.tool)) {
        const px = fine ? view.scale : far ? CURSOR_FAR_PX : CURSOR_STEP_PX;
        moveCursor([x * px, y * px]);
        return;
      }
      if (props.tool !== "pan" && selection.length) {
        const pixels = (far ? 10 : 1) * view.scale;
        const by = toImageMove(view, [x * pixels, y * pixels]);
        if (send({ type: "nudge", by }).length) return;
        perform(nudged(context(), selection, [by[0] * size.width, by[1] * size.height]));
        return;
      }
      lookAt(panned(view, [-x * PAN_STEP_PX, -y * PAN_STEP_PX]));
    },
    cycle(by) {
      const next = cycled(annotations, selection, by, props.suggestions);
      if (next === undefined) return;
      select([next]);
      reveal(next);
    },
    selectAll: () =>
      select(annotations.flatMap((one) => (shapeOf(one) ? [one.annotation_id] : []))),
    deleteSelected() {
      if (send({ type: "remove" }).length) return;
      perform(deleted(context(), selection));
    },
    deleteAll: () =>
      perform(
        deleted(
          context(),
          annotations.map((one) => one.annotation_id),
        ),
      ),
    copy() {
      if (selection.length) clipboard = copied({ annotations, size }, selection);
      else say({ type: "refused", why: "nothingSelected" });
    },
    paste() {
      if (clipboard) perform(pasted(context(), clipboard, "paste"));
    },
    duplicate: () =>
      perform(pasted(context(), copied({ annotations, size }, selection), "duplicate")),
    classify: (classId) => perform(classified(context(), selection, classId)),
    merge: () => perform(merged(context())),
    subtract: () => perform(withOthersSubtracted(context())),
    simplify: () => perform(withFewerPoints(context())),
    untangle: () => perform(withoutCrossings(context())),
  };

  /** Where Enter set the last point: Enter again there closes. */
  let keyed: Point | null = null;

  const keyPress = (type: Press["type"], at: Point): Press => ({
    type,
    at,
    shift: false,
    alt: false,
    mod: false,
    pen: false,
    time: performance.now(),
  });

  /** Moves the crosshair of the keyboard, from the middle of the stage at first; the view goes with it. */
  const moveCursor = (by: Point): void => {
    const { width, height } = view.stage;
    const from = cursor ? toScreen(view, cursor.at) : ([width / 2, height / 2] as Point);
    const at = clampPoint(toImage(view, [from[0] + by[0], from[1] + by[1]]));
    cursor = { at, by: "keys" };
    const [sx, sy] = toScreen(view, at);
    const edge = 24;
    const dx = Math.max(edge - sx, Math.min(0, width - edge - sx));
    const dy = Math.max(edge - sy, Math.min(0, height - edge - sy));
    if (dx || dy) view = panned(view, [dx, dy]);
    send(keyPress("move", at));
  };

  /** Brings a shape into view that lies outside it. */
  const reveal = (id: string): void => {
    const bounds = boundsOfAll([shapeById(id)].filter((one) => one !== null));
    if (!bounds) return;
    const [x, y] = toScreen(view, [(bounds.x0 + bounds.x1) / 2, (bounds.y0 + bounds.y1) / 2]);
    const { width, height } = view.stage;
    if (x < 0 || y < 0 || x > width || y > height)
      lookAt(panned(view, [width / 2 - x, height / 2 - y]));
  };

  return {
    commands,
    update(next) {
      const before = props;
      props = next;
      if (next.item.item_id !== before.item.item_id) {
        cancelQuietly();
        size = { width: next.item.width, height: next.item.height };
        view = fitted(view.stage, size);
        cursor = null;
        told = undefined; // what is kept is of another image
        waiting = next.kept ?? null;
      } else if (next.item.frame !== before.item.frame) cancelQuietly();
      if (next.item.width !== size.width || next.item.height !== size.height) {
        size = { width: next.item.width, height: next.item.height };
        view = fitted(view.stage, size, view.turn);
      }
      if (next.tool !== before.tool) {
        cancelQuietly();
        machine = newMachine(next.tool);
        keyed = null;
      }
      goOn();
      tellDraft();
      annotations = next.annotations;
      selection = next.selection;
      if (next.item !== before.item) image.show(next.item);
      if (
        next.classes !== before.classes ||
        next.suggestions !== before.suggestions ||
        next.percent !== before.percent
      )
        look = looks(next.classes, next.suggestions, next.percent);
      image.adjust(next.settings.brightness, next.settings.contrast);
      schedule();
    },
    destroy() {
      listening.abort();
      observer.disconnect();
      cancelAnimationFrame(frame);
      image.destroy();
      shapes.destroy();
      crowdLayer?.destroy();
      overlay.destroy();
      layers.remove();
    },
  };

  /** Gives up what is being done, without a word: it is no longer about what is shown. */
  function cancelQuietly(): void {
    machine.send({ type: "cancel" }, scene());
    adjuster.send({ type: "cancel" }, scene());
    hands = withoutPress(hands);
  }
}

function stageOf(host: HTMLElement): Size {
  return { width: host.clientWidth, height: host.clientHeight };
}

function isCrowd({ shapes }: Sketch): boolean {
  return (shapes?.size ?? 0) > MAX_LIFTED;
}

function cornerOf(shape: Shape): Point {
  const { x0, y0 } = boundsOf(shape);
  return [x0, y0];
}

function usualStamp({ width, height }: Size): Size {
  const side = Math.max(TEMPLATE_LEAST_PX, Math.min(width, height) * TEMPLATE_SHARE);
  return { width: side, height: side };
}

/** The set from before when they are equal, so that what depends on it need not be done again. */
function sameSet(before: ReadonlySet<string>, now: ReadonlySet<string>): ReadonlySet<string> {
  return before.size === now.size && [...now].every((id) => before.has(id)) ? before : now;
}

function sideCursor({ x, y }: { x: number; y: number }, turn: Turn): string {
  const isTurned = turn % 2 === 1;
  if (x && y) return x * y > 0 !== isTurned ? "nwse-resize" : "nesw-resize";
  return (x !== 0) !== isTurned ? "ew-resize" : "ns-resize";
}

function capture(host: HTMLElement, pointer: number): void {
  // Pointers made by scripts cannot be captured.
  try {
    host.setPointerCapture(pointer);
  } catch {
    /* The gesture then ends at the border of the stage. */
  }
}
