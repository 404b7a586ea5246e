import fc from "fast-check";
import { describe, expect, it } from "vitest";

import {
  NO_HANDS,
  step,
  withoutPress,
  type Contact,
  type Deed,
  type Hands,
} from "@/annotate/gestures";

type Kind = Contact["kind"];

/** A pointer of a kind, which goes down and up at places. */
function hand(kind: Kind, pointer: number) {
  const contact =
    (type: Contact["type"], button = 0) =>
    (x: number, y = x): Contact => ({ type, pointer, kind, at: [x, y], button });
  return {
    down: contact("down"),
    middle: contact("down", 1),
    right: contact("down", 2),
    move: contact("move"),
    up: contact("up"),
    lost: contact("lost"),
  };
}

const mouse = hand("mouse", 1);
const finger = hand("touch", 2);
const other = hand("touch", 3);
const pen = hand("pen", 9);

function play(contacts: Contact[], { pans = false, from = NO_HANDS } = {}): [Hands, Deed[]] {
  let hands: Hands = from;
  const all = contacts.flatMap((contact) => {
    const [next, deeds] = step(hands, contact, pans);
    hands = next;
    return deeds;
  });
  return [hands, all];
}
const deeds = (...contacts: Contact[]) => play(contacts)[1].map((one) => one.type);

describe("one pointer", () => {
  it("hovers, then presses, drags and releases", () => {
    expect(deeds(mouse.move(1), mouse.down(1), mouse.move(2), mouse.up(2), mouse.move(3))).toEqual([
      "hover",
      "press",
      "drag",
      "release",
      "hover",
    ]);
  });

  it("moves the view by its middle button, or where all does, by as much as it moves", () => {
    const grabbed = [
      { type: "grab" },
      { type: "pan", by: [3, 4] },
      { type: "pan", by: [-1, 0] },
      { type: "rest" },
    ];
    const way = [mouse.move(3, 4), mouse.move(2, 4), mouse.up(2, 4)];
    expect(play([mouse.middle(0), ...way])[1]).toEqual(grabbed);
    expect(play([mouse.down(0), ...way], { pans: true })[1]).toEqual(grabbed);
  });

  it("does nothing by its right button, nor as another than the one in hand", () => {
    expect(deeds(mouse.right(0), mouse.up(0))).toEqual([]);
    expect(deeds(mouse.down(0), pen.move(5), mouse.up(0))).toEqual(["press", "release"]);
  });

  it("loses its press with its capture", () => {
    expect(deeds(mouse.down(0), mouse.lost(1), mouse.up(1))).toEqual(["press", "interrupt"]);
  });
});

describe("two fingers", () => {
  it("take back the press of the first, and move and zoom about their middle", () => {
    const [, all] = play([finger.down(0, 0), other.down(10, 0), other.move(20, 0)]);
    expect(all).toEqual([
      { type: "press" },
      { type: "interrupt" },
      { type: "pinch", by: [5, 0], about: [10, 0], factor: 2 },
    ]);
  });

  it("draw nothing by the one that stays down, until all are lifted", () => {
    const pinched = [finger.down(0), other.down(9), other.up(9)];
    expect(deeds(...pinched, finger.move(5), finger.up(5)).slice(2)).toEqual([]);
    expect(deeds(...pinched, finger.up(0), finger.down(0)).at(-1)).toBe("press");
  });

  it("zoom back as they go back", () => {
    const place = fc.integer({ min: -500, max: 500 });
    fc.assert(
      fc.property(fc.array(fc.tuple(place, place), { maxLength: 20 }), (way) => {
        const moves = way.map(([x, y]) => other.move(x, y));
        const [, all] = play([finger.down(900), other.down(0), ...moves, other.move(0)]);
        const zoom = all.reduce((sum, one) => sum * (one.type === "pinch" ? one.factor : 1), 1);
        expect(zoom).toBeCloseTo(1, 9);
      }),
    );
  });
});

describe("a pen", () => {
  it("draws over what a finger began, whose hand is ignored until it lies down anew", () => {
    expect(
      deeds(finger.down(0), pen.down(5), finger.move(1), pen.move(6), finger.up(1), pen.up(6)),
    ).toEqual(["press", "interrupt", "press", "drag", "release"]);
  });

  it("leaves fingers the view alone from then on", () => {
    expect(deeds(pen.down(0), pen.up(0), finger.down(0), finger.move(1), finger.up(1))).toEqual([
      "press",
      "release",
      "grab",
      "pan",
      "rest",
    ]);
  });

  it("is not disturbed by a hand that lies down while it draws", () => {
    expect(deeds(pen.down(0), finger.down(1), other.down(2), pen.move(3), pen.up(3))).toEqual([
      "press",
      "drag",
      "release",
    ]);
  });
});

describe("whatever hands do", () => {
  const hands = fc.constantFrom(mouse, finger, other, pen);
  const contact = fc
    .tuple(
      hands,
      fc.constantFrom("down", "middle", "move", "up", "lost"),
      fc.integer({ min: 0, max: 99 }),
    )
    .map(([one, what, at]) => one[what as "down"](at));

  it("presses are begun one at a time and ended once, and nothing is in hand when all are lifted", () => {
    fc.assert(
      fc.property(fc.array(contact, { maxLength: 60 }), fc.boolean(), (contacts, pans) => {
        const [after, all] = play(contacts, { pans });
        let pressed = false;
        for (const { type } of all) {
          if (type === "press") expect(pressed).toBe(false);
          if (type === "drag" || type === "release" || type === "interrupt")
            expect(pressed).toBe(true);
          if (type === "press") pressed = true;
          if (type === "release" || type === "interrupt") pressed = false;
        }
        expect(after.gesture?.name === "draw").toBe(pressed);
        const lift = [mouse, finger, other, pen].map((one) => one.up(0));
        const [lifted] = play(lift, { from: after });
        expect([lifted.gesture, lifted.touches.size]).toEqual([null, 0]);
      }),
      { numRuns: 500 },
    );
  });

  it("a press that is given up otherwise ends without a word", () => {
    const [pressed] = play([mouse.down(0)]);
    expect(play([mouse.up(0)], { from: withoutPress(pressed) })[1]).toEqual([]);
  });
});
