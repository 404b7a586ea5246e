/**
 * What hands do on the stage: which pointer draws, which moves the view, and which are to be ignored. Pure: the
 * editor carries out what comes of it. Places are in CSS pixels of the stage.
 *
 * - One finger, pen or mouse draws, or moves the view; two fingers pinch, and take back the press in hand.
 * - Once a pen was seen, fingers move the view only; the hand that rests beside a pen at work is ignored.
 */
import type { Point } from "./geometry";

export interface Contact {
  type: "down" | "move" | "up" | "lost";
  pointer: number;
  kind: "mouse" | "pen" | "touch";
  at: Point;
  /** As in `PointerEvent.button`; of `down`. */
  button: number;
}

type Gesture =
  | { name: "draw" | "pan"; pointer: number; isPen: boolean }
  | { name: "pinch" }
  /** A finger is still down after a pinch: it draws nothing. */
  | { name: "over" };

export interface Hands {
  gesture: Gesture | null;
  /** Fingers that are down, but for those that are ignored. */
  touches: ReadonlyMap<number, Point>;
  /** Where the pointer in hand was last. */
  last: Point | null;
  penSeen: boolean;
}

export type Deed =
  /** A press of the tool in hand begins, goes on, ends, or was taken away. */
  | { type: "press" | "drag" | "release" | "interrupt" }
  /** The pointer moves with nothing pressed, or has stopped moving the view. */
  | { type: "hover" | "rest" }
  /** The pointer begins to move the view. */
  | { type: "grab" }
  | { type: "pan"; by: Point }
  | { type: "pinch"; by: Point; about: Point; factor: number };

export const NO_HANDS: Hands = { gesture: null, touches: new Map(), last: null, penSeen: false };

/** Of the hand that holds the pen: it lay there before the pen drew, or lies down meanwhile. */
export function isIgnored({ touches }: Hands, { type, kind, pointer }: Contact): boolean {
  return type !== "down" && kind === "touch" && !touches.has(pointer);
}

/** `pans`: whatever is pressed now moves the view. */
export function step(hands: Hands, contact: Contact, pans: boolean): [Hands, Deed[]] {
  if (isIgnored(hands, contact)) return [hands, []];
  switch (contact.type) {
    case "down":
      return begin(hands, contact, pans);
    case "move":
      return move(hands, contact);
    case "up":
      return end(hands, contact);
    case "lost":
      return lose(hands, contact);
  }
}

/** What the tool has in hand was given up otherwise. */
export function withoutPress(hands: Hands): Hands {
  return hands.gesture?.name === "draw" ? { ...hands, gesture: null } : hands;
}

function begin(before: Hands, contact: Contact, pans: boolean): [Hands, Deed[]] {
  const { pointer, kind, at, button } = contact;
  const isPen = kind === "pen";
  const [hands, deeds] = isPen ? withoutTouches(before) : [before, []];
  const touches = new Map(hands.touches);
  if (kind === "touch") {
    if (ofPen(hands.gesture)) return [hands, deeds];
    touches.set(pointer, at);
    if (touches.size > 1) return [{ ...hands, gesture: { name: "pinch" }, touches }, taken(hands)];
  }
  if (hands.gesture) return [{ ...hands, touches }, deeds];
  const isPalm = hands.penSeen && kind === "touch";
  const grabs = button === 1 || (button === 0 && (pans || isPalm));
  const next = { ...hands, touches, last: at };
  if (!grabs && button !== 0) return [next, deeds];
  return [
    { ...next, gesture: { name: grabs ? "pan" : "draw", pointer, isPen } },
    [...deeds, { type: grabs ? "grab" : "press" }],
  ];
}

/** A pen ends what touches do; they count again when they lie down anew. */
function withoutTouches(before: Hands): [Hands, Deed[]] {
  const hands = { ...before, penSeen: true };
  const { gesture, touches } = hands;
  if (gesture && "pointer" in gesture && !touches.has(gesture.pointer)) return [hands, []];
  return [{ ...hands, gesture: null, touches: new Map() }, taken(hands)];
}

function move(hands: Hands, { pointer, at }: Contact): [Hands, Deed[]] {
  const { gesture } = hands;
  const before = hands.touches.get(pointer);
  const touches = before ? new Map(hands.touches).set(pointer, at) : hands.touches;
  if (gesture?.name === "pinch")
    return [{ ...hands, touches }, before ? pinch(hands, pointer, before, at) : []];
  // A pen that hovers while the hand pans is another pointer than the one that pans.
  if (gesture?.name === "over" || (gesture && gesture.pointer !== pointer))
    return [{ ...hands, touches }, []];
  const next = { ...hands, touches, last: at };
  if (!gesture) return [next, [{ type: "hover" }]];
  if (gesture.name === "draw") return [next, [{ type: "drag" }]];
  const { last } = hands;
  return [next, last ? [{ type: "pan", by: [at[0] - last[0], at[1] - last[1]] }] : []];
}

function pinch({ touches }: Hands, pointer: number, before: Point, now: Point): Deed[] {
  const other = [...touches].find(([one]) => one !== pointer)?.[1];
  if (!other) return [];
  return [
    {
      type: "pinch",
      by: [(now[0] - before[0]) / 2, (now[1] - before[1]) / 2],
      about: [(now[0] + other[0]) / 2, (now[1] + other[1]) / 2],
      factor: apart(now, other) / apart(before, other),
    },
  ];
}

function end(hands: Hands, { pointer }: Contact): [Hands, Deed[]] {
  const { gesture } = hands;
  const left = lifted(hands, pointer);
  if (!gesture || !("pointer" in gesture) || gesture.pointer !== pointer) return [left, []];
  const type = gesture.name === "draw" ? "release" : "rest";
  return [{ ...left, gesture: null }, [{ type }]];
}

function lose(hands: Hands, { pointer }: Contact): [Hands, Deed[]] {
  const { gesture } = hands;
  const left = lifted(hands, pointer);
  if (!gesture || !("pointer" in gesture) || gesture.pointer !== pointer) return [left, []];
  return [{ ...left, gesture: null }, taken(hands)];
}

function lifted(hands: Hands, pointer: number): Hands {
  const touches = new Map(hands.touches);
  touches.delete(pointer);
  if (hands.gesture?.name !== "pinch" && hands.gesture?.name !== "over")
    return { ...hands, touches };
  return { ...hands, touches, gesture: touches.size ? { name: "over" } : null };
}

function taken({ gesture }: Hands): Deed[] {
  return gesture?.name === "draw" ? [{ type: "interrupt" }] : [];
}

function ofPen(gesture: Gesture | null): boolean {
  return gesture !== null && "pointer" in gesture && gesture.isPen;
}

/** Two fingers at the same place are a pixel apart. */
function apart(a: Point, b: Point): number {
  return Math.max(1, Math.hypot(a[0] - b[0], a[1] - b[1]));
}
