/**
 * What every drawing tool is: named states, and a step from one to the next. Tools are pure: they know
 * no DOM, no zoom and no history, and ask for changes by effects. In every state `cancel` leads back to
 * idle without a change, and `interrupt` takes back the press in hand but not what was drawn before it.
 */
import type { Annotation } from "@/api/types";

import type { Box, Geometry, Point, Polygon, Shape, Size } from "../geometry";

/** What a tool may look at. */
export interface Scene {
  /** The image, in its own pixels. */
  size: Size;
  annotations: readonly Annotation[];
  selection: readonly string[];
  /** Annotations that may not be changed. */
  locked: ReadonlySet<string>;
  /** How near counts as at the same place, in pixels of the image: the same everywhere on the screen. */
  reach: number;
  /** The size of a template box, in pixels of the image. */
  stamp: Size;
  /** What was last outlined of the clicks that were asked about. */
  proposal: Proposal | null;
}

/** A click at a thing, or, not `isInside`, at what is none of it. */
export interface Click {
  at: Point;
  isInside: boolean;
}

/** What clicks outline: the area, and what is drawn of it; null: nothing. */
export interface Proposal {
  clicks: readonly Click[];
  area: Polygon | null;
  shape: Shape | null;
}

export interface Press {
  type: "down" | "move" | "up";
  /** May lie outside the image. */
  at: Point;
  shift: boolean;
  alt: boolean;
  /** Ctrl, or Command on a Mac. */
  mod: boolean;
  pen: boolean;
  /** In milliseconds, from any beginning. */
  time: number;
}

export type ToolEvent =
  | Press
  /** The press was taken away: a second finger, a lost capture. What was drawn before it stays. */
  | { type: "interrupt" }
  | { type: "cancel" }
  | { type: "finish" }
  /** Takes the last point back. */
  | { type: "back" }
  /** Brings back what `back` took, else takes the last point back. */
  | { type: "undo" }
  /** Takes the selected point of a polygon away. */
  | { type: "remove" }
  /** Moves the selected point of a polygon, by fractions of the image. */
  | { type: "nudge"; by: Point };

/** Why nothing came of a gesture. */
export type Refusal =
  | "tooSmall"
  | "needsThreePoints"
  | "needsFourPoints"
  | "locked"
  | "nothingToCut"
  | "nothingLeft"
  | "notCrossed"
  | "notOutlinedYet"
  | "nothingOutlined";

export type Effect =
  | { type: "add"; geometry: Shape }
  /** One gesture's change: each shape becomes these; the first keeps the identity, none deletes it. */
  | {
      type: "replace";
      what: "move" | "resize" | "points" | "add" | "cut" | "split";
      shapes: ReadonlyMap<string, readonly Geometry[]>;
    }
  | { type: "select"; ids: readonly string[] }
  | { type: "refuse"; why: Refusal }
  /** What do these clicks outline? None: nothing is asked any more. */
  | { type: "ask"; clicks: readonly Click[] }
  /** A point was set or taken back. */
  | { type: "points"; count: number };

/** What is to be seen of a gesture before it is finished. */
export interface Sketch {
  /** How shapes would look if the gesture ended now. */
  shapes?: ReadonlyMap<string, Shape>;
  box?: Box;
  /** A line not closed yet; `to` is where the pointer is. */
  line?: { points: readonly Point[]; to: Point | null; closes: boolean; purpose: Purpose };
  points?: readonly Point[];
  /** What would be drawn is this, or the box about it. */
  area?: Polygon;
  /** Points at what is not meant. */
  outside?: readonly Point[];
  crossings?: readonly Point[];
  marquee?: Box;
}

/** An outline that is not closed yet, as it can be kept and gone on with. */
export interface Draft {
  points: readonly Point[];
  purpose: Purpose;
}

/** What a drawn outline is for: a shape of its own, more of the selected one, or less of it. */
export type Purpose = "new" | "add" | "cut" | "split";

export type Step<State> = [State, Effect[]];

export interface Tool<State extends { name: string }> {
  idle: State;
  step(state: State, event: ToolEvent, scene: Scene): Step<State>;
  sketch(state: State, scene: Scene): Sketch;
  /** What there is to say of a state that is gone back to. */
  again?(state: State): Effect[];
  draft?(state: State): Draft | null;
  resumed?(draft: Draft): State;
}
