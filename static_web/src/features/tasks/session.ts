/**
 * One labeler's session, without network, clock or DOM: which pages there are, what was decided on them,
 * what waits to be saved. `step` is the whole behaviour.
 */
import type {
  Annotation,
  DraftItem,
  ImageLinks,
  Outcome,
  Result,
  Submission,
  Task,
  TaskItem,
} from "@/api/types";

export interface Rules {
  /** One class an image, or any number. */
  many: boolean;
  classesVersion: number;
}

/** What was decided about one image. An outcome of null: not decided yet. */
export interface Work {
  annotations: Annotation[];
  outcome: Outcome | null;
  note: string | null;
  activeMs: number;
}

export interface Page {
  task: Task;
  items: TaskItem[];
  work: Readonly<Record<string, Work>>;
  /** Why an image came back after it had been submitted. */
  problems: Readonly<Record<string, string>>;
}

/** A submission on its way, with the page it came from, should it be refused. */
export interface Outgoing {
  submission: Submission;
  page: Page;
}

interface Moment {
  work: Page["work"];
  focus: number;
  selection: ReadonlySet<string>;
}

export interface Session {
  rules: Rules;
  /** The first is shown, the others are ready. */
  pages: readonly Page[];
  focus: number;
  anchor: number;
  selection: ReadonlySet<string>;
  past: readonly Moment[];
  future: readonly Moment[];
  /** In the order they are to be sent. */
  outgoing: readonly Outgoing[];
  /** The task that was finished last and can be opened again. */
  finished: string | null;
  /** When the labeler last decided something, for the time an image took. */
  decidedAt: number;
}

export type SessionEvent =
  | { type: "arrived"; task: Task; where?: "front"; at: number }
  | { type: "focus"; index: number; how?: "toggle" | "extend" }
  | { type: "move"; by: number; extend: boolean }
  | { type: "selectAll" }
  | { type: "clearSelection" }
  | { type: "classify"; classId: string; annotationId: string; at: number }
  | { type: "clear"; at: number }
  | { type: "decide"; outcome: Outcome; at: number }
  | { type: "nextOpen" }
  | { type: "undo" }
  | { type: "redo" }
  | { type: "submit"; submissionId: string; at: number }
  | { type: "answered"; submissionId: string; results: Result[]; taskId: string }
  | { type: "refused"; submissionId: string; why: string }
  | { type: "adopted"; taskId: string; items: DraftItem[]; seq: number }
  | { type: "signed"; images: Record<string, ImageLinks> };

/** Longer without a decision is a break, not work on an image. */
const LONGEST_THOUGHT_MS = 120_000;
const UNDO_DEPTH = 100;

export function newSession(rules: Rules): Session {
  return {
    rules,
    pages: [],
    focus: 0,
    anchor: 0,
    selection: new Set(),
    past: [],
    future: [],
    outgoing: [],
    finished: null,
    decidedAt: 0,
  };
}

export function step(state: Session, event: SessionEvent): Session {
  switch (event.type) {
    case "arrived":
      return arrive(state, event);
    case "focus":
      return focusOn(state, event.index, event.how);
    case "move": {
      const index = state.focus + event.by;
      return index < 0 || index >= count(state)
        ? state
        : focusOn(state, index, event.extend ? "extend" : undefined);
    }
    case "selectAll":
      return { ...state, selection: new Set(state.pages[0]?.items.map((item) => item.item_id)) };
    case "clearSelection":
      return { ...state, selection: new Set(), anchor: state.focus };
    case "classify":
      return classify(state, event);
    case "clear":
      return decide(state, event.at, () => ({ annotations: [], outcome: null }));
    case "decide":
      return decideAs(state, event.outcome, event.at);
    case "nextOpen":
      return focusNextOpen(state, state.focus);
    case "undo":
      return travel(state, "past", "future");
    case "redo":
      return travel(state, "future", "past");
    case "submit":
      return submit(state, event.submissionId, event.at);
    case "answered":
      return answered(state, event);
    case "refused": {
      const sent = state.outgoing.find((one) => isFor(one, event.submissionId));
      if (!sent) return state;
      const problems = Object.fromEntries(sent.page.items.map((item) => [item.item_id, event.why]));
      return comeBack(without(state, event.submissionId), { ...sent.page, problems });
    }
    case "adopted":
      return changePage(state, event.taskId, (page) => ({
        ...page,
        task: { ...page.task, draft_seq: event.seq },
        work: {
          ...page.work,
          ...Object.fromEntries(event.items.map((d) => [d.item_id, workOf(d)])),
        },
      }));
    case "signed":
      return {
        ...state,
        pages: state.pages.map((page) => ({
          ...page,
          items: page.items.map((item) => ({
            ...item,
            images: event.images[item.item_id] ?? item.images,
          })),
        })),
      };
  }
}

/** The images the next decision is about: the selection, else the one in focus. */
export function targets(state: Session): TaskItem[] {
  const page = state.pages[0];
  if (!page) return [];
  const selected = page.items.filter((item) => state.selection.has(item.item_id));
  const focused = page.items[state.focus];
  return selected.length ? selected : focused ? [focused] : [];
}

export function decidedCount(page: Page): number {
  return page.items.filter((item) => page.work[item.item_id]?.outcome).length;
}

export function isComplete(page: Page): boolean {
  return decidedCount(page) === page.items.length;
}

/** The drafts of a page, as they are sent. */
export function draftOf(page: Page): DraftItem[] {
  return page.items.map((item) => {
    const work = page.work[item.item_id] ?? NOTHING;
    return {
      item_id: item.item_id,
      annotations: work.annotations,
      outcome: work.outcome,
      reason: null,
      note: work.note,
      active_ms: work.activeMs,
    };
  });
}

const NOTHING: Work = { annotations: [], outcome: null, note: null, activeMs: 0 };

function arrive(state: Session, event: Extract<SessionEvent, { type: "arrived" }>): Session {
  const known = [...state.pages, ...state.outgoing.map((one) => one.page)];
  if (known.some((page) => page.task.task_id === event.task.task_id)) return state;
  const page: Page = {
    task: event.task,
    items: event.task.items,
    work: Object.fromEntries(event.task.items.map((item) => [item.item_id, begun(item)])),
    problems: {},
  };
  if (event.where === "front" || !state.pages.length)
    return turnTo({ ...state, pages: [page, ...state.pages] }, event.at);
  return { ...state, pages: [...state.pages, page] };
}

/** What an image starts with: my draft, else the labels it has (a correction), else those it had. */
function begun(item: TaskItem): Work {
  if (item.draft) return workOf(item.draft);
  const annotations = item.annotations ?? item.defaults;
  return annotations?.length ? { ...NOTHING, annotations, outcome: "labeled" } : NOTHING;
}

function workOf(draft: DraftItem): Work {
  return {
    annotations: draft.annotations,
    outcome: draft.outcome,
    note: draft.note,
    activeMs: draft.active_ms,
  };
}

/** The first page is a new one: nothing selected, nothing to undo, the first open image in focus. */
function turnTo(state: Session, at: number): Session {
  const page = state.pages[0];
  const open = page?.items.findIndex((item) => !page.work[item.item_id]?.outcome) ?? 0;
  const focus = Math.max(open, 0);
  return {
    ...state,
    focus,
    anchor: focus,
    selection: new Set(),
    past: [],
    future: [],
    decidedAt: at,
  };
}

function focusOn(state: Session, index: number, how?: "toggle" | "extend"): Session {
  const items = state.pages[0]?.items ?? [];
  const item = items[index];
  if (!item) return state;
  if (how === "toggle") {
    const selection = new Set(state.selection);
    if (!selection.delete(item.item_id)) selection.add(item.item_id);
    return { ...state, focus: index, anchor: index, selection };
  }
  if (how === "extend") {
    const range = items.slice(Math.min(state.anchor, index), Math.max(state.anchor, index) + 1);
    return { ...state, focus: index, selection: new Set(range.map((one) => one.item_id)) };
  }
  return { ...state, focus: index, anchor: index, selection: new Set() };
}

function focusNextOpen(state: Session, from: number): Session {
  const page = state.pages[0];
  if (!page) return state;
  const order = page.items.map((_, step) => (from + 1 + step) % page.items.length);
  const open = order.find((index) => {
    const item = page.items[index];
    return item && !page.work[item.item_id]?.outcome;
  });
  return open === undefined ? state : { ...state, focus: open, anchor: open, selection: new Set() };
}

function classify(state: Session, event: Extract<SessionEvent, { type: "classify" }>): Session {
  const chosen = targets(state);
  const tag = (index: number): Annotation => ({
    annotation_id: `${event.annotationId}-${index}`,
    class_id: event.classId,
    frame: 0,
    geometry: { kind: "tag" },
    origin: null,
  });
  if (!state.rules.many) {
    const next = decide(state, event.at, (work, index) =>
      has(work, event.classId) && work.annotations.length === 1
        ? { outcome: "labeled" }
        : { annotations: [tag(index)], outcome: "labeled" },
    );
    return advance(next, chosen);
  }
  const page = state.pages[0];
  const all = chosen.every((item) => has(page?.work[item.item_id] ?? NOTHING, event.classId));
  return decide(state, event.at, (work, index) => {
    const others = work.annotations.filter((one) => one.class_id !== event.classId);
    const annotations = all
      ? others
      : has(work, event.classId)
        ? work.annotations
        : [...work.annotations, tag(index)];
    return { annotations, outcome: annotations.length ? "labeled" : null };
  });
}

/** Deciding the same again takes it back. Skipped and asked-about images keep no labels. */
function decideAs(state: Session, outcome: Outcome, at: number): Session {
  const page = state.pages[0];
  const chosen = targets(state);
  const all = chosen.every((item) => {
    const work = page?.work[item.item_id];
    return work?.outcome === outcome && !work.annotations.length;
  });
  const next = decide(state, at, () => ({ annotations: [], outcome: all ? null : outcome }));
  return all ? next : advance(next, chosen);
}

function advance(state: Session, chosen: readonly TaskItem[]): Session {
  const last = chosen.at(-1);
  const from = state.pages[0]?.items.findIndex((item) => item.item_id === last?.item_id) ?? 0;
  const next = focusNextOpen(state, from);
  return next === state ? { ...state, selection: new Set(), anchor: state.focus } : next;
}

/** Changes the work on the targets; the time since the last decision is shared among them. */
function decide(
  state: Session,
  at: number,
  change: (work: Work, index: number) => Partial<Work>,
): Session {
  const page = state.pages[0];
  const chosen = targets(state);
  if (!page || !chosen.length) return state;
  const spent = Math.min(Math.max(at - state.decidedAt, 0), LONGEST_THOUGHT_MS) / chosen.length;
  const work = { ...page.work };
  chosen.forEach((item, index) => {
    const old = work[item.item_id] ?? NOTHING;
    work[item.item_id] = {
      ...old,
      ...change(old, index),
      activeMs: old.activeMs + Math.round(spent),
    };
  });
  return {
    ...state,
    pages: [{ ...page, work }, ...state.pages.slice(1)],
    past: [...state.past, moment(state)].slice(-UNDO_DEPTH),
    future: [],
    decidedAt: at,
  };
}

function travel(state: Session, from: "past" | "future", to: "past" | "future"): Session {
  const page = state.pages[0];
  const there = state[from].at(-1);
  if (!page || !there) return state;
  return {
    ...state,
    pages: [{ ...page, work: there.work }, ...state.pages.slice(1)],
    focus: there.focus,
    anchor: there.focus,
    selection: there.selection,
    [from]: state[from].slice(0, -1),
    [to]: [...state[to], moment(state)],
  };
}

function moment(state: Session): Moment {
  return {
    work: state.pages[0]?.work ?? {},
    focus: state.focus,
    selection: state.selection,
  };
}

/** What is decided leaves; what is not stays on the page. The next page shows at once when nothing stays. */
function submit(state: Session, submissionId: string, at: number): Session {
  const page = state.pages[0];
  if (!page) return state;
  const decided = page.items.filter((item) => page.work[item.item_id]?.outcome);
  if (!decided.length) return state;
  const staying = page.items.filter((item) => !decided.includes(item));
  const submission: Submission = {
    submission_id: submissionId,
    classes_version: state.rules.classesVersion,
    items: decided.map((item) => {
      const work = page.work[item.item_id] ?? NOTHING;
      return {
        item_id: item.item_id,
        base_revision: item.revision,
        outcome: work.outcome ?? "labeled",
        annotations: work.annotations,
        reason: null,
        note: work.note,
        active_ms: work.activeMs,
      };
    }),
  };
  const pages = staying.length
    ? [{ ...page, items: staying }, ...state.pages.slice(1)]
    : state.pages.slice(1);
  const sent: Outgoing = { submission, page: { ...page, items: decided, problems: {} } };
  return turnTo({ ...state, pages, outgoing: [...state.outgoing, sent] }, at);
}

function answered(state: Session, event: Extract<SessionEvent, { type: "answered" }>): Session {
  const sent = state.outgoing.find((one) => isFor(one, event.submissionId));
  if (!sent) return state;
  const next = { ...without(state, event.submissionId), finished: event.taskId };
  const problems = Object.fromEntries(
    event.results
      .filter((result) => result.status === "refused")
      .map((result) => [result.item_id, result.problem?.detail ?? ""]),
  );
  const back = sent.page.items.filter((item) => item.item_id in problems);
  return back.length ? comeBack(next, { ...sent.page, items: back, problems }) : next;
}

/** A refused page waits behind the one in hand, so that no key falls on another image than was meant. */
function comeBack(state: Session, page: Page): Session {
  const same = state.pages.findIndex((one) => one.task.task_id === page.task.task_id);
  if (same >= 0)
    return changePage(state, page.task.task_id, (one) => ({
      ...one,
      items: [...one.items, ...page.items],
      work: { ...page.work, ...one.work },
      problems: { ...one.problems, ...page.problems },
    }));
  const [first, ...rest] = state.pages;
  if (!first) return turnTo({ ...state, pages: [page] }, state.decidedAt);
  return { ...state, pages: [first, page, ...rest] };
}

function changePage(state: Session, taskId: string, change: (page: Page) => Page): Session {
  return {
    ...state,
    pages: state.pages.map((page) => (page.task.task_id === taskId ? change(page) : page)),
  };
}

function without(state: Session, submissionId: string): Session {
  return { ...state, outgoing: state.outgoing.filter((one) => !isFor(one, submissionId)) };
}

function isFor(one: Outgoing, submissionId: string): boolean {
  return one.submission.submission_id === submissionId;
}

function has(work: Work, classId: string): boolean {
  return work.annotations.some((one) => one.class_id === classId);
}

function count(state: Session): number {
  return state.pages[0]?.items.length ?? 0;
}
