import { describe, expect, it } from "vitest";

import type { Annotation, Result, Task, TaskItem } from "@/api/types";
import {
  decidedCount,
  draftOf,
  isComplete,
  newSession,
  step,
  submitted,
  type Page,
  type Session,
  type SessionEvent,
} from "@/features/label/session/session";

import { anItem, aTag, aTask } from "./builders";

const one = { many: false, classesVersion: 1 };
const many = { many: true, classesVersion: 1 };

function play(state: Session, ...events: SessionEvent[]): Session {
  return events.reduce(step, state);
}

function started(rules = one, ids = ["i1", "i2", "i3"]): Session {
  const task = aTask(
    "t1",
    ids.map((id) => anItem(id)),
  );
  return step(newSession(rules), { type: "arrived", task, at: 0 });
}

const label = (classId: string, at = 0): SessionEvent => ({
  type: "classify",
  classId,
  annotationId: "a",
  at,
});
const refusedResult = (itemId: string): Result => ({
  item_id: itemId,
  status: "refused",
  revision: null,
  by: null,
  why: null,
  problem: { type: "unknown-class", pointer: "", detail: "gone" },
});
const submit: SessionEvent = { type: "submit", submissionId: "s1", at: 0 };

function classesOf(state: Session): Record<string, string[]> {
  const work = Object.entries(state.pages[0]?.work ?? {});
  return Object.fromEntries(
    work.map(([id, { annotations }]) => [id, annotations.map((a) => a.class_id)]),
  );
}

describe("one class an image", () => {
  it("labels the image in focus and goes to the next open one", () => {
    const state = play(started(), label("c1"));
    expect(classesOf(state)).toEqual({ i1: ["c1"], i2: [], i3: [] });
    expect(state.focus).toBe(1);
  });

  it("passes over labeled images, and stays when none is open", () => {
    const state = play(
      started(),
      { type: "focus", index: 1 },
      label("c1"),
      { type: "focus", index: 0 },
      label("c1"),
    );
    expect(state.focus).toBe(2);
    expect(play(state, label("c2")).focus).toBe(2);
  });

  it("labels the whole selection with one key, and lets it go", () => {
    const state = play(started(), { type: "selectAll" }, label("c2"));
    expect(classesOf(state)).toEqual({ i1: ["c2"], i2: ["c2"], i3: ["c2"] });
    expect(state.selection.size).toBe(0);
    expect(state.pages[0] && isComplete(state.pages[0])).toBe(true);
  });

  it("replaces a label by another", () => {
    const state = play(started(), label("c1"), { type: "focus", index: 0 }, label("c2"));
    expect(classesOf(state)["i1"]).toEqual(["c2"]);
  });

  it("gives each annotation its own id", () => {
    const state = play(started(), { type: "selectAll" }, label("c1"));
    const ids = Object.values(state.pages[0]?.work ?? {}).map(
      (w) => w.annotations[0]?.annotation_id,
    );
    expect(new Set(ids).size).toBe(3);
  });
});

describe("several classes an image", () => {
  it("toggles classes, and stays on the image", () => {
    const state = play(started(many), label("c1"), label("c2"));
    expect(classesOf(state)["i1"]).toEqual(["c1", "c2"]);
    expect(state.focus).toBe(0);
    const without = play(state, label("c1"), label("c2"));
    expect(without.pages[0]?.work["i1"]?.outcome).toBeNull();
  });

  it("gives all of a selection a class that only some have", () => {
    const state = play(started(many), label("c1"), { type: "selectAll" }, label("c1"));
    expect(classesOf(state)).toEqual({ i1: ["c1"], i2: ["c1"], i3: ["c1"] });
    expect(classesOf(play(state, label("c1")))).toEqual({ i1: [], i2: [], i3: [] });
  });

  it("takes nothing here as an answer", () => {
    const state = play(started(many), { type: "decide", outcome: "labeled", at: 0 });
    expect(state.pages[0]?.work["i1"]).toMatchObject({ outcome: "labeled", annotations: [] });
  });
});

describe("choosing images", () => {
  it("extends from where it began, and toggles single ones", () => {
    const state = play(
      started(),
      { type: "move", by: 1, extend: true },
      { type: "move", by: 1, extend: true },
    );
    expect([...state.selection]).toEqual(["i1", "i2", "i3"]);
    expect([...play(state, { type: "focus", index: 1, how: "toggle" }).selection]).toEqual([
      "i1",
      "i3",
    ]);
  });

  it("stops at the ends", () => {
    expect(play(started(), { type: "move", by: -1, extend: false }).focus).toBe(0);
    expect(play(started(), { type: "move", by: 5, extend: false }).focus).toBe(0);
  });
});

describe("a selection", () => {
  it("is what a drag touched", () => {
    const state = play(started(), { type: "select", itemIds: ["i3", "i2"] }, label("c1"));
    expect(classesOf(state)).toEqual({ i1: [], i2: ["c1"], i3: ["c1"] });
  });

  it("is let go when the rest of the page is skipped, and what was decided stays", () => {
    const state = play(
      started(),
      label("c1"),
      { type: "select", itemIds: ["i1"] },
      { type: "skipPage", at: 0 },
    );
    const work = state.pages[0]?.work;
    expect([work?.["i1"]?.outcome, work?.["i2"]?.outcome, work?.["i3"]?.outcome]).toEqual([
      "labeled",
      "skipped",
      "skipped",
    ]);
    expect(state.selection.size).toBe(0);
    expect(play(state, { type: "undo" }).pages[0]?.work["i2"]?.outcome).toBeNull();
  });
});

describe("taking one tag away", () => {
  it("leaves the others, and the image open when none is left", () => {
    const state = play(started(many), label("c1"), {
      ...label("c2"),
      annotationId: "b",
    } as SessionEvent);
    const once = play(state, { type: "untag", itemId: "i1", annotationId: "a-0", at: 0 });
    expect(classesOf(once)["i1"]).toEqual(["c2"]);
    const twice = play(once, { type: "untag", itemId: "i1", annotationId: "b-0", at: 0 });
    expect(twice.pages[0]?.work["i1"]?.outcome).toBeNull();
  });

  it("is about that image, wherever the focus is", () => {
    const state = play(started(), label("c1"), {
      type: "untag",
      itemId: "i1",
      annotationId: "a-0",
      at: 0,
    });
    expect(classesOf(state)["i1"]).toEqual([]);
    expect(state.focus).toBe(1);
  });
});

describe("skipping and asking", () => {
  const skip: SessionEvent = { type: "decide", outcome: "skipped", at: 0 };
  const ask: SessionEvent = { type: "decide", outcome: "needs_review", at: 0 };

  it("sends the reason with a skipped image, and forgets it with another decision", () => {
    const state = play(started(), skip, {
      type: "explain",
      itemIds: ["i1"],
      reason: "blurred",
      at: 0,
    });
    expect(state.pages[0] && draftOf(state.pages[0])[0]).toMatchObject({ reason: "blurred" });
    expect(play(state, submit).outgoing[0]?.submission.items[0]).toMatchObject({
      outcome: "skipped",
      reason: "blurred",
    });
    const labeled = play(state, { type: "focus", index: 0 }, label("c1"));
    expect(labeled.pages[0]?.work["i1"]).toMatchObject({ outcome: "labeled", reason: null });
  });

  it("gives a reason to skipped images only, and a note to those asked about", () => {
    const state = play(started(), label("c1"), ask, {
      type: "explain",
      itemIds: ["i1", "i2", "i3"],
      reason: "blurred",
      note: "cat or dog?",
      at: 0,
    });
    const work = Object.values(state.pages[0]?.work ?? {});
    expect(work.map((one) => [one.reason, one.note])).toEqual([
      [null, null],
      [null, "cat or dog?"],
      [null, null],
    ]);
  });

  it("keeps the labels of an image that is asked about, also when they change", () => {
    const state = play(started(), label("c1"), { type: "focus", index: 0 }, ask);
    expect(state.pages[0]?.work["i1"]).toMatchObject({ outcome: "needs_review" });
    expect(classesOf(state)["i1"]).toEqual(["c1"]);
    const changed = play(state, { type: "focus", index: 0 }, label("c2"));
    expect(changed.pages[0]?.work["i1"]).toMatchObject({ outcome: "needs_review" });
    expect(classesOf(changed)["i1"]).toEqual(["c2"]);
    const again = play(changed, { type: "focus", index: 0 }, ask);
    expect(again.pages[0]?.work["i1"]?.outcome).toBe("labeled");
  });

  it("drops the labels of an image that is skipped", () => {
    const state = play(started(), label("c1"), { type: "focus", index: 0 }, skip);
    expect(classesOf(state)["i1"]).toEqual([]);
  });
});

describe("suggestions", () => {
  const annotations = [
    { annotation_id: "p1", class_id: "c1", confidence: 0.97, geometry: { kind: "tag" } },
    { annotation_id: "p2", class_id: "c2", confidence: 0.61, geometry: { kind: "tag" } },
  ];
  const suggested = (rules = one, id = "i1") =>
    step(newSession(rules), {
      type: "arrived",
      task: aTask("t1", [
        { ...anItem(id), prelabel: { run_id: "r", annotations } } as TaskItem,
        anItem("i2"),
      ]),
      at: 0,
    });
  const accept = (...itemIds: string[]): SessionEvent => ({
    type: "accept",
    itemIds: new Set(itemIds),
    annotationId: "b",
    at: 0,
  });

  it("decide nothing, until they are accepted", () => {
    const state = suggested(many);
    expect(state.pages[0] && decidedCount(state.pages[0])).toBe(0);
    expect(step(state, submit)).toBe(state);
    const accepted = play(state, accept("i1", "i2"));
    expect(accepted.pages[0]?.work["i1"]?.annotations).toMatchObject([
      { class_id: "c1", origin: { prelabel: "p1" } },
      { class_id: "c2", origin: { prelabel: "p2" } },
    ]);
    expect(accepted.pages[0]?.work["i2"]?.outcome).toBeNull();
    expect(classesOf(play(accepted, { type: "undo" }))["i1"]).toEqual([]);
  });

  it("are not accepted for images nobody has seen", () => {
    expect(classesOf(play(suggested(), accept("i2")))["i1"]).toEqual([]);
  });

  it("give way to a class, or are taken by it", () => {
    expect(classesOf(play(suggested(), label("c3")))["i1"]).toEqual(["c3"]);
    const taken = play(suggested(), label("c1")).pages[0]?.work["i1"];
    expect(taken?.annotations).toMatchObject([{ class_id: "c1", origin: { prelabel: "p1" } }]);
    expect(taken?.suggestions).toEqual([]);
  });

  it("are corrected tag by tag where there may be several", () => {
    expect(classesOf(play(suggested(many), label("c3")))["i1"]).toEqual(["c1", "c2", "c3"]);
    expect(classesOf(play(suggested(many), label("c2")))["i1"]).toEqual(["c1"]);
    const less = play(suggested(many), {
      type: "untag",
      itemId: "i1",
      annotationId: "p2",
      at: 0,
    });
    expect(less.pages[0]?.work["i1"]).toMatchObject({ outcome: null, suggestions: [{}] });
  });

  it("go when the image is cleared or skipped", () => {
    const cleared = play(suggested(), { type: "clear", at: 0 });
    expect(cleared.pages[0]?.work["i1"]?.suggestions).toEqual([]);
  });
});

describe("what a browser kept", () => {
  const kept = (taskId: string, order: number, worked: boolean) => {
    const page = started(one, [`${taskId}-i`]).pages[0] as Page;
    const work = worked ? play(started(one, [`${taskId}-i`]), label("c1")).pages[0]?.work : {};
    return { ...page, task: { ...page.task, task_id: taskId }, order, work: work ?? {} };
  };
  const shown = (state: Session) => state.pages.map((page) => page.task.task_id);

  it("is gone on with, but for pages ahead: they may have been given back as the tab closed", () => {
    const pages = [kept("t3", 3, true), kept("t2", 2, false), kept("t1", 1, false)];
    const state = step(newSession(one), { type: "restored", pages, outgoing: [], at: 0 });
    expect(shown(state)).toEqual(["t1", "t3"]);
    const open = ["t1", "t2", "t3"].map((id) => aTask(id, [anItem(`${id}-i`)]));
    expect(shown(step(state, { type: "opened", tasks: open, at: 0 }))).toEqual(["t1", "t3", "t2"]);
  });
});

describe("a page that another came in front of", () => {
  const ahead = () => {
    const state = play(started(), {
      type: "arrived",
      task: aTask("t2", [anItem("i4")]),
      at: 0,
    });
    return play(state, label("c1"), label("c1"), label("c1"), submit);
  };

  it("can still be undone and redone when it is in hand again", () => {
    const undone = play(ahead(), label("c2"), { type: "undo" });
    const back = play(undone, { type: "retracted", submissionId: "s1", at: 0 });
    expect(back.pages[0]?.task.task_id).toBe("t1");
    expect(back).toMatchObject({ past: [], future: [] });
    const again = play(back, { ...submit, submissionId: "s2" }, { type: "redo" });
    expect(classesOf(again)).toEqual({ i4: ["c2"] });
  });

  it("keeps its own history beside that of a correction", () => {
    const labeled = play(ahead(), label("c2"));
    const correction = aTask("t3", [anItem("i1", { outcome: "labeled" })], { kind: "correction" });
    const corrected = play(
      labeled,
      { type: "arrived", task: correction, where: "front", at: 0 },
      label("c3"),
      { type: "submit", submissionId: "s3", at: 0 },
      { type: "undo" },
    );
    expect(classesOf(corrected)).toEqual({ i4: [] });
    expect(corrected.past).toEqual([]);
  });
});

describe("the count of what was submitted", () => {
  const answer = (status: Result["status"]): SessionEvent => ({
    type: "answered",
    submissionId: "s1",
    results: ["i1", "i2"].map((id) => ({ ...refusedResult(id), status, problem: null })),
    taskId: "t1",
  });
  const sent = (kind: Task["kind"] = "manual") =>
    play(
      step(newSession(one), {
        type: "arrived",
        task: aTask("t1", [anItem("i1"), anItem("i2")], { kind }),
        at: 0,
      }),
      label("c1"),
      label("c1"),
      submit,
    );

  it("has it at once, and still when it is answered", () => {
    expect(submitted(sent())).toBe(2);
    expect(submitted(play(sent(), answer("saved")))).toBe(2);
    expect(submitted(play(sent(), answer("superseded")))).toBe(0);
  });

  it("leaves out what was taken back, and corrections", () => {
    const back = play(sent(), { type: "retracted", submissionId: "s1", at: 0 });
    expect(submitted(back)).toBe(0);
    expect(submitted(sent("correction"))).toBe(0);
    expect(submitted(play(sent("correction"), answer("saved")))).toBe(0);
  });
});

describe("undo", () => {
  it("leaves alone what came back to the page meanwhile", () => {
    const state = play(started(), label("c1"), submit, label("c2"), {
      type: "answered",
      submissionId: "s1",
      results: [refusedResult("i1")],
      taskId: "t1",
    });
    expect(classesOf(play(state, { type: "undo" }))).toEqual({ i1: ["c1"], i2: [], i3: [] });
  });

  it("goes back and forth, with the focus", () => {
    const state = play(started(), label("c1"), label("c2"));
    const back = play(state, { type: "undo" });
    expect(classesOf(back)).toEqual({ i1: ["c1"], i2: [], i3: [] });
    expect(back.focus).toBe(1);
    expect(classesOf(play(back, { type: "redo" }))).toEqual(classesOf(state));
  });

  it("takes back a skip", () => {
    const state = play(started(), { type: "decide", outcome: "skipped", at: 0 }, { type: "undo" });
    expect(state.pages[0] && decidedCount(state.pages[0])).toBe(0);
  });
});

describe("submitting", () => {
  const next = aTask("t2", [anItem("j1")]);

  it("shows the page that is ready at once, and keeps what is on its way", () => {
    const state = play(
      started(),
      { type: "arrived", task: next, at: 0 },
      { type: "selectAll" },
      label("c1"),
      submit,
    );
    expect(state.pages.map((page) => page.task.task_id)).toEqual(["t2"]);
    expect(state.outgoing[0]?.submission.items).toHaveLength(3);
    expect(state.outgoing[0]?.submission.items[0]).toMatchObject({
      base_revision: 3,
      outcome: "labeled",
    });
    expect(state).toMatchObject({ focus: 0, past: [] });
  });

  it("leaves open images on the page", () => {
    const state = play(started(), label("c1"), submit);
    expect(state.pages[0]?.items.map((item) => item.item_id)).toEqual(["i2", "i3"]);
    expect(state.outgoing[0]?.submission.items.map((item) => item.item_id)).toEqual(["i1"]);
  });

  it("sends nothing when nothing is decided", () => {
    const state = started();
    expect(step(state, submit)).toBe(state);
  });

  it("brings a refused page back behind the one in hand, with its work and the reason", () => {
    const state = play(
      started(),
      { type: "arrived", task: next, at: 0 },
      { type: "selectAll" },
      label("c1"),
      submit,
      { type: "refused", submissionId: "s1", why: "the class is gone" },
    );
    expect(state.pages.map((page) => page.task.task_id)).toEqual(["t2", "t1"]);
    expect(state.pages[1]?.problem).toEqual({ type: "refused", why: "the class is gone" });
    expect(state.pages[1]?.work["i1"]?.annotations[0]?.class_id).toBe("c1");
    expect(state.outgoing).toEqual([]);
  });

  it("brings back only the images that were refused", () => {
    const problem = { type: "unknown-class", pointer: "", detail: "no such class" };
    const state = play(started(), { type: "selectAll" }, label("c1"), submit, {
      type: "answered",
      submissionId: "s1",
      taskId: "t1",
      results: [
        { item_id: "i1", status: "saved", revision: 4, by: null, why: null, problem: null },
        { item_id: "i2", status: "refused", revision: null, by: null, why: null, problem },
      ],
    });
    expect(state.pages[0]?.items.map((item) => item.item_id)).toEqual(["i2"]);
    expect(state.finished).toEqual(["t1"]);
  });

  it("ignores a task that is here already, and what was submitted of one", () => {
    const state = started();
    expect(play(state, { type: "arrived", task: aTask("t1", []), at: 0 })).toBe(state);
    const sent = play(state, { type: "selectAll" }, label("c1"), submit);
    const again = aTask("t1", [anItem("i1"), anItem("i2"), anItem("i3")]);
    expect(play(sent, { type: "arrived", task: again, at: 0 })).toBe(sent);
  });

  it("takes back what was not sent yet, with the images that stayed in their places", () => {
    const before = play(started(), { type: "focus", index: 1 }, label("c1"));
    const state = play(before, { type: "arrived", task: next, at: 0 }, submit, {
      type: "retracted",
      submissionId: "s1",
      at: 0,
    });
    expect(state.pages.map((page) => page.task.task_id)).toEqual(["t1", "t2"]);
    expect(state.pages[0]?.items.map((item) => item.item_id)).toEqual(["i1", "i2", "i3"]);
    expect(state.pages[0]?.work).toEqual(before.pages[0]?.work);
    expect(state.outgoing).toEqual([]);
    expect(state.focus).toBe(1);
  });
});

it("shares the time since the last decision among the images of this one", () => {
  const state = play(started(), { type: "selectAll" }, label("c1", 3_000));
  expect(state.pages[0]?.work["i1"]?.activeMs).toBe(1_000);
});

describe("going on after a reload", () => {
  it("takes up the draft, and puts the focus on the first open image", () => {
    const before = play(started(), label("c1", 500), {
      type: "decide",
      outcome: "skipped",
      at: 900,
    });
    const [page] = before.pages;
    const drafts = page ? draftOf(page) : [];
    const items = ["i1", "i2", "i3"].map((id, at) => anItem(id, { draft: drafts[at] ?? null }));
    const after = play(newSession(one), { type: "arrived", task: aTask("t1", items), at: 0 });
    expect(after.pages[0]?.work).toEqual(page?.work);
    expect(after.focus).toBe(2);
  });

  it("begins with the labels of an image under correction, or those it had", () => {
    const items = [
      anItem("i1", { annotations: [aTag("c1")], outcome: "labeled" }),
      anItem("i2", { defaults: [aTag("c2")] }),
      anItem("i3", { annotations: [], outcome: "skipped", reason: "blurred" }),
    ];
    const state = play(newSession(one), { type: "arrived", task: aTask("t1", items), at: 0 });
    expect(classesOf(state)).toEqual({ i1: ["c1"], i2: ["c2"], i3: [] });
    expect(state.pages[0]?.work["i3"]).toMatchObject({ outcome: "skipped", reason: "blurred" });
  });

  it("adopts another browser's newer draft, but not over what was decided here since", () => {
    const draft = (itemId: string) => ({
      item_id: itemId,
      annotations: [aTag("c3")],
      outcome: "labeled" as const,
      reason: null,
      note: null,
      active_ms: 7,
    });
    const state = play(started(), label("c1"), {
      type: "adopted",
      taskId: "t1",
      items: [draft("i1"), draft("i2")],
      seq: 9,
    });
    expect(classesOf(state)).toEqual({ i1: ["c1"], i2: ["c3"], i3: [] });
    expect(state.pages[0]?.seq).toBe(9);
  });

  it("is done with a draft once the API has it, unless the work went on meanwhile", () => {
    const first = play(started(), label("c1"));
    const work = first.pages[0]?.work ?? {};
    const state = play(first, label("c2"), { type: "drafted", taskId: "t1", seq: 1, work });
    expect([...(state.pages[0]?.unsent ?? [])]).toEqual(["i2"]);
  });
});

describe("comparing what was kept with what is open", () => {
  const kept = () => {
    const state = play(started(), label("c1"), {
      type: "arrived",
      task: aTask("t2", [anItem("j1")]),
      at: 0,
    });
    const pages = state.pages.map((page) => (page.touched ? page : { ...page, work: {} }));
    return step(newSession(one), { type: "restored", pages, outgoing: [], at: 0 });
  };
  const fresh = (change: Partial<Task> = {}) =>
    aTask("t1", [anItem("i1"), anItem("i2"), anItem("i3")], change);

  it("keeps the work and its place", () => {
    const state = play(kept(), { type: "opened", tasks: [fresh()], at: 0 });
    expect(classesOf(state)).toEqual({ i1: ["c1"], i2: [], i3: [] });
    expect(state.focus).toBe(1);
  });

  it("lets an untouched page go that is no longer open", () => {
    const state = play(kept(), { type: "opened", tasks: [fresh()], at: 0 });
    expect(state.pages.map((page) => page.task.task_id)).toEqual(["t1"]);
  });

  it("keeps a page with work on it though its lease is over, and says so", () => {
    const state = play(kept(), { type: "opened", tasks: [], at: 0 });
    expect(state.pages.map((page) => [page.task.task_id, page.problem])).toEqual([
      ["t1", { type: "over" }],
    ]);
    const open = play(state, { type: "opened", tasks: [fresh()], at: 0 });
    expect(open.pages[0]?.problem).toBeNull();
  });

  it("takes a newer draft of another browser, but not over what the API has not seen", () => {
    const draft = {
      item_id: "i2",
      annotations: [aTag("c3")],
      outcome: "labeled" as const,
      reason: null,
      note: null,
      active_ms: 7,
    };
    const items = [anItem("i1"), anItem("i2", { draft }), anItem("i3")];
    const task = aTask("t1", items, { draft_seq: 4 });
    const state = play(kept(), { type: "opened", tasks: [task], at: 0 });
    expect(classesOf(state)).toEqual({ i1: ["c1"], i2: ["c3"], i3: [] });
  });

  it("keeps the work on an image that is gone from its task", () => {
    const task = aTask("t1", [anItem("i2"), anItem("i3")]);
    const state = play(kept(), { type: "opened", tasks: [task], at: 0 });
    expect(state.pages[0]?.items.map((item) => item.item_id)).toEqual(["i2", "i3", "i1"]);
    expect(classesOf(state)["i1"]).toEqual(["c1"]);
  });

  it("shows again nothing that was submitted", () => {
    const sent = play(started(), label("c1"), submit);
    const restored = step(newSession(one), {
      type: "restored",
      pages: sent.pages,
      outgoing: sent.outgoing,
      at: 0,
    });
    const state = play(restored, { type: "opened", tasks: [fresh()], at: 0 });
    expect(state.pages[0]?.items.map((item) => item.item_id)).toEqual(["i2", "i3"]);
  });
});

describe("shapes", () => {
  const box = { kind: "box", x0: 0.1, y0: 0.1, x1: 0.4, y1: 0.5 } as const;
  const shape = (id: string, x1 = 0.4): Annotation => ({
    annotation_id: id,
    class_id: "c1",
    frame: 0,
    geometry: { ...box, x1 },
    attributes: {},
    origin: null,
  });
  const draw = (annotations: Annotation[], joins = false) =>
    ({ type: "annotate", itemId: "i1", annotations, joins, at: 0 }) as const;
  const begin = (suggested: string[] = []) => {
    const annotations = suggested.map((one) => ({
      ...{ annotation_id: one, class_id: "c1", frame: 0, confidence: 0.9 },
      attributes: {},
      geometry: box,
    }));
    const prelabel = suggested.length ? { run_id: "r", annotations } : null;
    const task = aTask("t1", [anItem("i1", { prelabel }), anItem("i2")]);
    return play(newSession(one), { type: "arrived", task, at: 0 });
  };
  const workOn = (state: Session) => state.pages[0]?.work["i1"];
  const ids = (state: Session) => workOn(state)?.annotations.map((one) => one.annotation_id);

  it("make an image labeled, and without any it is open again", () => {
    const state = play(begin(), draw([shape("a")]));
    expect(workOn(state)?.outcome).toBe("labeled");
    expect(workOn(play(state, draw([])))?.outcome).toBeNull();
  });

  it("are one step back for a run of nudges", () => {
    const state = play(begin(), draw([shape("a")]), draw([shape("a", 0.5)]));
    const nudged = play(state, draw([shape("a", 0.6)], true), { type: "undo" });
    expect(workOn(nudged)?.annotations).toEqual([shape("a")]);
  });

  it("keep the names and the origin of suggestions that are accepted by submitting", () => {
    const state = play(begin(["p1", "p2"]), {
      type: "accept",
      itemIds: new Set(["i1"]),
      annotationId: "x",
      at: 0,
    });
    expect(ids(state)).toEqual(["p1", "p2"]);
    expect(workOn(state)?.annotations[1]?.origin?.prelabel).toBe("p2");
    expect(workOn(state)?.annotations[1]?.geometry).toEqual(box);
  });

  it("stay when a reviewer is asked, suggested ones too", () => {
    const ask = { type: "decide", outcome: "needs_review", at: 0 } as const;
    const state = play(begin(["p1"]), ask);
    expect([workOn(state)?.outcome, ids(state)]).toEqual(["needs_review", ["p1"]]);
  });

  it("remember which suggestions were accepted one by one, until that is undone", () => {
    const confirm = { type: "confirm", itemId: "i1", annotationIds: ["p2"], at: 0 } as const;
    const state = play(begin(["p1", "p2"]), confirm);
    expect([workOn(state)?.accepted, ids(state)]).toEqual([["p2"], ["p1", "p2"]]);
    expect(workOn(play(state, { type: "undo" }))?.suggestions).toHaveLength(2);
  });
});
