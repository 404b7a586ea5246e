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
import { saying, type AttributeValue } from "@/attributes";

/** What a run says about an image, until somebody decides; its confidence 0 to 1, if it has any. */
export type Suggestion = NonNullable<TaskItem["prelabel"]>["annotations"][number];

export interface Rules {
  /** One class an image, or any number. */
  many: boolean;
  classesVersion: number;
}

/** What was decided about one image. An outcome of null: not decided yet. */
export interface Work {
  annotations: Annotation[];
  outcome: Outcome | null;
  /** Why it was skipped. */
  reason: string | null;
  /** What the reviewer is asked. */
  note: string | null;
  activeMs: number;
  /** Shown until something is decided; never sent. */
  suggestions: readonly Suggestion[];
  /** Annotations that came from a suggestion and were taken as they are, one by one or all at once. */
  accepted?: readonly string[];
}

export type TaskHead = Omit<Task, "items">;

export interface Page {
  task: TaskHead;
  items: readonly TaskItem[];
  work: Readonly<Record<string, Work>>;
  /** Images decided about since the API last took a draft of them. */
  unsent: ReadonlySet<string>;
  /** Whether the labeler did anything here. */
  touched: boolean;
  /** Number of the last draft; grows over reloads. */
  seq: number;
  /** Its place among the pages; the lowest is shown first. */
  order: number;
  /** Why an image came back after it had been submitted. */
  problems: Readonly<Record<string, string>>;
  /** What is the matter with the page as a whole. */
  problem: PageProblem | null;
}

/** `over`: its lease ended while the labeler was away; its work can still be submitted. */
export type PageProblem = { type: "refused"; why: string } | { type: "over" };

/** A submission on its way, with the page it came from, should it be refused or taken back. */
export interface Outgoing {
  submission: Submission;
  page: Page;
  /** All images that were on the page, in their order. */
  shown: readonly string[];
  /** Not to be sent before, so that it can be taken back without a trace; a wall clock time in ms. */
  sendAt: number;
  /** It was sent and no answer came: taken back now, what is made of it could be found overtaken by itself. */
  perhapsSaved: boolean;
}

/** What a browser kept of a page: the work on the images that were touched. */
export type KeptPage = Omit<Page, "touched">;

interface Moment {
  work: Page["work"];
  focus: number;
  selection: ReadonlySet<string>;
}

/** What can be undone, and done again, on a page. */
interface History {
  past: readonly Moment[];
  future: readonly Moment[];
}

export interface Session extends History {
  rules: Rules;
  /** The first is shown, the others are ready. */
  pages: readonly Page[];
  focus: number;
  anchor: number;
  selection: ReadonlySet<string>;
  /** The histories of pages that another came in front of, by task. */
  aside: ReadonlyMap<string, History>;
  /** In the order they are to be sent. */
  outgoing: readonly Outgoing[];
  /** Tasks finished in this session that can be opened again, the last one at the end. */
  finished: readonly string[];
  /** Images saved in this session that nobody had decided about before. */
  saved: number;
  /** When the labeler last decided something, for the time an image took: see activity.ts. */
  decidedAt: number;
}

export type SessionEvent =
  | { type: "arrived"; task: Task; where?: "front"; at: number }
  | { type: "focus"; index: number; how?: "toggle" | "extend" }
  | { type: "move"; by: number; extend: boolean }
  | { type: "selectAll" }
  | { type: "select"; itemIds: readonly string[] }
  | { type: "clearSelection" }
  /** `stays`: more is to be said of the images, which stay in hand. */
  | { type: "classify"; classId: string; annotationId: string; stays?: boolean; at: number }
  /** What is said of a class of the images in hand; undefined: no longer. */
  | { type: "say"; classId: string; name: string; value: AttributeValue | undefined; at: number }
  | { type: "untag"; itemId: string; annotationId: string; at: number }
  | { type: "clear"; at: number }
  /** `stays`: as above. */
  | { type: "decide"; outcome: Outcome; stays?: boolean; at: number }
  | { type: "skipPage"; at: number }
  | { type: "explain"; itemIds: readonly string[]; reason?: string; note?: string; at: number }
  | { type: "accept"; itemIds: ReadonlySet<string>; annotationId: string; at: number }
  | { type: "annotate"; itemId: string; annotations: Annotation[]; joins?: boolean; at: number }
  | { type: "confirm"; itemId: string; annotationIds: readonly string[]; at: number }
  /** What was still to be said of the images in hand is said, or left. */
  | { type: "goOn" }
  | { type: "nextOpen" }
  | { type: "undo" }
  | { type: "redo" }
  | { type: "submit"; submissionId: string; at: number; sendAt?: number }
  | { type: "sent"; submissionId: string; perhapsSaved: boolean }
  | { type: "retracted"; submissionId: string; at: number }
  | { type: "answered"; submissionId: string; results: Result[]; taskId: string }
  | { type: "refused"; submissionId: string; why: string }
  | { type: "discarded"; taskId: string; at: number }
  | { type: "reopened"; taskId: string }
  | { type: "restored"; pages: readonly KeptPage[]; outgoing: readonly Outgoing[]; at: number }
  | { type: "opened"; tasks: readonly Task[]; at: number }
  | { type: "drafted"; taskId: string; seq: number; work: Page["work"] }
  | { type: "adopted"; taskId: string; items: DraftItem[]; seq: number }
  | { type: "rules"; rules: Rules }
  | { type: "signed"; images: Record<string, ImageLinks> };

const UNDO_DEPTH = 100;
const FINISHED_DEPTH = 50;

export function newSession(rules: Rules): Session {
  return {
    rules,
    pages: [],
    focus: 0,
    anchor: 0,
    selection: new Set(),
    past: [],
    future: [],
    aside: new Map(),
    outgoing: [],
    finished: [],
    saved: 0,
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
      return index < 0 || index >= itemsOf(state).length
        ? state
        : focusOn(state, index, event.extend ? "extend" : undefined);
    }
    case "selectAll":
      return { ...state, selection: new Set(state.pages[0]?.items.map((item) => item.item_id)) };
    case "select": {
      const first = itemsOf(state).findIndex((item) => event.itemIds.includes(item.item_id));
      const focus = first < 0 ? state.focus : first;
      return { ...state, selection: new Set(event.itemIds), focus, anchor: focus };
    }
    case "clearSelection":
      return { ...state, selection: new Set(), anchor: state.focus };
    case "classify":
      return classify(state, event);
    case "say":
      return say(state, event);
    case "untag":
      return untag(state, event);
    case "clear":
      return decide(state, event.at, () => UNDECIDED);
    case "decide":
      return decideAs(state, event);
    case "skipPage":
      return skipPage(state, event.at);
    case "explain":
      return explain(state, event);
    case "accept":
      return accept(state, event);
    case "annotate":
      return annotate(state, event);
    case "confirm":
      return confirm(state, event);
    case "goOn":
      return advance(state, targets(state));
    case "nextOpen":
      return focusNextOpen(state, state.focus);
    case "undo":
      return travel(state, "past", "future");
    case "redo":
      return travel(state, "future", "past");
    case "submit":
      return submit(state, event);
    case "sent":
      return {
        ...state,
        outgoing: state.outgoing.map((one) =>
          isFor(one, event.submissionId) && one.perhapsSaved !== event.perhapsSaved
            ? { ...one, perhapsSaved: event.perhapsSaved }
            : one,
        ),
      };
    case "retracted":
      return retract(state, event.submissionId, event.at);
    case "answered":
      return answered(state, event);
    case "refused": {
      const sent = state.outgoing.find((one) => isFor(one, event.submissionId));
      if (!sent) return state;
      const problem: PageProblem = { type: "refused", why: event.why };
      return comeBack(without(state, event.submissionId), { ...sent.page, problem });
    }
    case "discarded": {
      const pages = state.pages.filter((page) => page.task.task_id !== event.taskId);
      const next = { ...state, pages };
      return pages[0] === state.pages[0] ? next : turnTo(next, event.at);
    }
    case "reopened":
      return { ...state, finished: state.finished.filter((one) => one !== event.taskId) };
    case "restored":
      return restore(state, event);
    case "opened":
      return compare(state, event.tasks, event.at);
    case "drafted":
      return changePage(state, event.taskId, (page) => ({
        ...page,
        seq: event.seq,
        unsent: new Set([...page.unsent].filter((id) => page.work[id] !== event.work[id])),
      }));
    case "adopted":
      return changePage(state, event.taskId, (page) => ({
        ...page,
        seq: event.seq,
        work: adopt(page, event.items),
      }));
    case "rules":
      return { ...state, rules: event.rules };
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

/** Images that were given labels, or said to show nothing: neither skipped nor left to a reviewer. */
export function labeledCount(page: Page): number {
  return page.items.filter((item) => page.work[item.item_id]?.outcome === "labeled").length;
}

export function isComplete(page: Page): boolean {
  return decidedCount(page) === page.items.length;
}

/**
 * Whether the API lacks work that is on a page: it was not drafted yet, or the page came back or its time ran out,
 * when what was drafted of it counts no more.
 */
export function isUnsaved(page: Page): boolean {
  return page.unsent.size > 0 || page.problem !== null || Object.keys(page.problems).length > 0;
}

/** Images that were submitted in this session and that nobody had decided about before. */
export function submitted(state: Session): number {
  const onTheWay = state.outgoing.filter(isFirst).map((one) => one.submission.items.length);
  return onTheWay.reduce((sum, images) => sum + images, state.saved);
}

/** Whether what was submitted is no correction. */
function isFirst({ page }: Outgoing): boolean {
  return page.task.kind !== "correction";
}

/** The drafts of a page, as they are sent. */
export function draftOf(page: Page): DraftItem[] {
  return page.items.map((item) => {
    const work = page.work[item.item_id] ?? NOTHING;
    return {
      item_id: item.item_id,
      annotations: work.annotations,
      outcome: work.outcome,
      reason: work.reason,
      note: work.note,
      active_ms: work.activeMs,
    };
  });
}

const UNDECIDED = { annotations: [], outcome: null, reason: null, note: null, suggestions: [] };
const NOTHING: Work = { ...UNDECIDED, activeMs: 0 };

function arrive(state: Session, event: Extract<SessionEvent, { type: "arrived" }>): Session {
  if (state.pages.some((page) => page.task.task_id === event.task.task_id)) return state;
  const front = event.where === "front";
  const orders = state.pages.map((page) => page.order);
  const order = front ? Math.min(0, ...orders) - 1 : Math.max(0, ...orders) + 1;
  const page = pageOf(state, event.task, order);
  if (!page.items.length) return state;
  if (front) return putInFront(state, page, state.pages, event.at);
  const next = { ...state, pages: [...state.pages, page] };
  return state.pages.length ? next : turnTo(next, event.at);
}

/** A page before the others; the one that was in hand keeps its history until it is again. */
function putInFront(state: Session, page: Page, others: readonly Page[], at: number): Session {
  const [before] = state.pages;
  const { past, future } = state;
  const aside =
    before && others.includes(before)
      ? new Map(state.aside).set(before.task.task_id, { past, future })
      : state.aside;
  return turnTo({ ...state, pages: [page, ...others], aside }, at);
}

/** A task as a page. What was submitted of it already is not on it. */
function pageOf(state: Session, { items: all, ...task }: Task, order: number): Page {
  const gone = submittedOf(state, task.task_id);
  const items = all.filter((item) => !gone.has(item.item_id));
  return {
    task,
    items,
    work: Object.fromEntries(items.map((item) => [item.item_id, begun(item)])),
    unsent: new Set(),
    touched: items.some((item) => item.draft),
    seq: task.draft_seq,
    order,
    problems: {},
    problem: null,
  };
}

function submittedOf(state: Session, taskId: string): ReadonlySet<string> {
  return new Set(
    state.outgoing
      .filter((one) => one.page.task.task_id === taskId)
      .flatMap((one) => one.submission.items.map((item) => item.item_id)),
  );
}

/**
 * Goes on with what this browser kept, before the API says what became of it. Pages ahead are given back when
 * a tab closes, perhaps too late to be struck out here: only the API knows which are still this labeler's.
 */
function restore(state: Session, event: Extract<SessionEvent, { type: "restored" }>): Session {
  const pages = event.pages
    .map((page): Page => {
      const fresh = Object.fromEntries(page.items.map((item) => [item.item_id, begun(item)]));
      const touched = Object.keys(page.work).length > 0;
      return { ...page, work: { ...fresh, ...page.work }, touched };
    })
    .sort((a, b) => a.order - b.order)
    .filter((page, index) => index === 0 || page.touched);
  return turnTo({ ...state, pages, outgoing: event.outgoing }, event.at);
}

/**
 * Compares the pages at hand with the tasks that are open. Work that the API has no draft of stays as it is;
 * a page that is no longer open stays too, if there is work on it.
 */
function compare(state: Session, tasks: readonly Task[], at: number): Session {
  const kept = state.pages.flatMap((page): Page[] => {
    const task = tasks.find((one) => one.task_id === page.task.task_id);
    if (task) return [refresh(state, page, task)];
    return page.touched ? [{ ...page, problem: page.problem ?? { type: "over" } }] : [];
  });
  const next = tasks.reduce<Session>(
    // A correction was asked for, perhaps on another page: it comes first.
    (before, task) =>
      arrive(before, {
        type: "arrived",
        task,
        at,
        ...(task.kind === "correction" && { where: "front" as const }),
      }),
    { ...state, pages: kept.filter((page) => page.items.length) },
  );
  const [now, before] = [next.pages[0], state.pages[0]];
  const same = now?.task.task_id === before?.task.task_id;
  return same && now?.items.length === before?.items.length ? next : turnTo(next, at);
}

function refresh(state: Session, page: Page, task: Task): Page {
  const fresh = pageOf(state, task, page.order);
  const known = new Set(fresh.items.map((item) => item.item_id));
  const lost = page.items.filter(
    (item) => !known.has(item.item_id) && page.unsent.has(item.item_id),
  );
  const newer = task.draft_seq > page.seq;
  const work = Object.fromEntries(
    fresh.items.map(({ item_id: id }) => {
      const mine = page.work[id];
      return [id, mine && (!newer || page.unsent.has(id)) ? mine : (fresh.work[id] ?? NOTHING)];
    }),
  );
  return {
    ...page,
    task: fresh.task,
    items: [...fresh.items, ...lost],
    work: { ...page.work, ...work },
    touched: page.touched || fresh.touched,
    seq: Math.max(page.seq, fresh.seq),
    problem: page.problem?.type === "over" ? null : page.problem,
  };
}

/** Another browser's newer draft; what was decided here meanwhile is newer still. */
function adopt(page: Page, items: readonly DraftItem[]): Page["work"] {
  const others = items.filter((item) => !page.unsent.has(item.item_id));
  return { ...page.work, ...Object.fromEntries(others.map((one) => [one.item_id, workOf(one)])) };
}

/** What an image starts with: my draft, else what was decided (a correction), else the labels it had. */
function begun(item: TaskItem): Work {
  const work = item.draft ? workOf(item.draft) : NOTHING;
  if (isTouched(work)) return work;
  if (item.outcome && !item.draft) {
    const { outcome, reason, note } = item;
    return { ...NOTHING, annotations: item.annotations ?? [], outcome, reason, note };
  }
  if (item.defaults?.length && !item.draft)
    return { ...NOTHING, annotations: item.defaults, outcome: "labeled" };
  return { ...work, suggestions: item.prelabel?.annotations ?? [] };
}

function isTouched(work: Work): boolean {
  return work.outcome !== null || work.annotations.length > 0;
}

function workOf(draft: DraftItem): Work {
  return {
    annotations: draft.annotations,
    outcome: draft.outcome,
    reason: draft.reason,
    note: draft.note,
    activeMs: draft.active_ms,
    suggestions: [],
  };
}

/** Another page is the first: nothing selected, its own history, its first open image in focus. */
function turnTo(state: Session, at: number): Session {
  const page = state.pages[0];
  const taskId = page?.task.task_id ?? "";
  const { past, future } = state.aside.get(taskId) ?? { past: [], future: [] };
  const aside = new Map(state.aside);
  aside.delete(taskId);
  const open = page?.items.findIndex((item) => !page.work[item.item_id]?.outcome) ?? 0;
  const focus = Math.max(open, 0);
  return {
    ...state,
    focus,
    anchor: focus,
    selection: new Set(),
    past,
    future,
    aside,
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

/**
 * One class replaces what was there and goes on; of several, one is toggled: images that all have it lose
 * it. A suggestion that is corrected is decided with it. Images asked about stay asked about.
 */
function classify(state: Session, event: Extract<SessionEvent, { type: "classify" }>): Session {
  const chosen = targets(state);
  const { classId, annotationId } = event;
  const said = (work: Work, annotations: readonly Annotation[]) => ({
    annotations: [...annotations],
    outcome: work.outcome === "needs_review" ? ("needs_review" as const) : ("labeled" as const),
    reason: null,
    suggestions: [],
  });
  if (!state.rules.many) {
    const next = decide(state, event.at, (work, index) => {
      const had = shownIn(work, `${annotationId}-${index}`).find((one) => one.class_id === classId);
      return said(work, [had ?? tag(`${annotationId}-${index}`, classId)]);
    });
    return event.stays ? next : advance(next, chosen);
  }
  const page = state.pages[0];
  const all = chosen.every((item) => has(page?.work[item.item_id] ?? NOTHING, classId));
  return decide(state, event.at, (work, index) => {
    const id = `${annotationId}-${index}`;
    const there = shownIn(work, id);
    const others = there.filter((one) => one.class_id !== classId);
    if (!all) return said(work, has(work, classId) ? there : [...there, tag(id, classId)]);
    if (others.length) return said(work, others);
    return work.outcome === "needs_review" ? { annotations: [] } : UNDECIDED;
  });
}

/** The origin of what was made from a suggestion; of what run, and whether changed, the API finds out. */
export function cameFrom(prelabel: string): NonNullable<Annotation["origin"]> {
  return { prelabel, run_id: null, changed: false };
}

function tag(annotationId: string, classId: string, from?: Suggestion): Annotation {
  return {
    annotation_id: annotationId,
    class_id: classId,
    frame: 0,
    geometry: { kind: "tag" },
    attributes: from?.attributes ?? {},
    origin: from ? cameFrom(from.annotation_id) : null,
  };
}

/** What an image shows, as if its suggestions had been accepted. Shapes keep the names they have there. */
function shownIn(work: Work, annotationId: string): Annotation[] {
  const accepted = work.suggestions.map((one, index) =>
    one.geometry.kind === "tag"
      ? tag(`${annotationId}-s${index}`, one.class_id, one)
      : drawnFrom(one),
  );
  return work.outcome === null && accepted.length ? accepted : work.annotations;
}

function drawnFrom(one: Suggestion): Annotation {
  const { annotation_id, class_id, frame, geometry, attributes } = one;
  return { annotation_id, class_id, frame, geometry, attributes, origin: cameFrom(annotation_id) };
}

/** The shapes on an image: what was drawn, or what is suggested as long as nothing was decided. */
export function shapesOf(work: Work): Annotation[] {
  return shownIn(work, "");
}

/** The shapes of an image as they are now. An image without any is open until "nothing here" is said. */
function annotate(state: Session, event: Extract<SessionEvent, { type: "annotate" }>): Session {
  const { itemId, annotations } = event;
  const about = itemsOf(state).filter((item) => item.item_id === itemId);
  const next = decide(state, event.at, (work) => drawn(work, annotations), about);
  return event.joins && state.past.length ? { ...next, past: state.past } : next;
}

/** Takes suggested shapes as they are; the others of the image stay what they were. */
function confirm(state: Session, event: Extract<SessionEvent, { type: "confirm" }>): Session {
  const about = itemsOf(state).filter((item) => item.item_id === event.itemId);
  const change = (work: Work) => ({
    ...drawn(work, shapesOf(work)),
    accepted: [...new Set([...(work.accepted ?? []), ...event.annotationIds])],
  });
  return decide(state, event.at, change, about);
}

function drawn(work: Work, annotations: Annotation[]) {
  const asked = work.outcome === "needs_review";
  const outcome = asked ? work.outcome : annotations.length ? ("labeled" as const) : null;
  return { annotations, outcome, reason: null, suggestions: [] };
}

/** Of images that have the class. What is suggested is decided with it. */
function say(state: Session, event: Extract<SessionEvent, { type: "say" }>): Session {
  const { classId, name, value } = event;
  const page = state.pages[0];
  const chosen = targets(state).filter((one) => has(page?.work[one.item_id] ?? NOTHING, classId));
  const change = (work: Work, index: number) => ({
    annotations: shownIn(work, `a${event.at}-${index}`).map((one) =>
      one.class_id === classId ? saying(one, name, value) : one,
    ),
    outcome: work.outcome ?? ("labeled" as const),
    suggestions: [],
  });
  return decide(state, event.at, change, chosen);
}

function untag(state: Session, event: Extract<SessionEvent, { type: "untag" }>): Session {
  const item = itemsOf(state).filter((one) => one.item_id === event.itemId);
  const others = <T extends { annotation_id: string }>(list: readonly T[]) =>
    list.filter((one) => one.annotation_id !== event.annotationId);
  const change = (work: Work) => {
    const annotations = others(work.annotations);
    const gone = work.outcome === "labeled" && !annotations.length;
    return {
      annotations,
      outcome: gone ? null : work.outcome,
      suggestions: others(work.suggestions),
    };
  };
  return decide(state, event.at, change, item);
}

/** Deciding the same again takes it back. Skipped images keep no labels, those asked about do. */
function decideAs(
  state: Session,
  { outcome, stays, at }: Extract<SessionEvent, { type: "decide" }>,
): Session {
  const page = state.pages[0];
  const chosen = targets(state);
  const kept = (work: Work) => {
    if (outcome !== "needs_review") return [];
    const shapes = work.suggestions.filter((one) => one.geometry.kind !== "tag").map(drawnFrom);
    return work.outcome === null && shapes.length ? shapes : work.annotations;
  };
  const all = chosen.every((item) => {
    const work = page?.work[item.item_id] ?? NOTHING;
    return work.outcome === outcome && work.annotations.length === kept(work).length;
  });
  const next = decide(state, at, (work) => ({
    ...UNDECIDED,
    annotations: kept(work),
    outcome: !all ? outcome : kept(work).length ? "labeled" : null,
  }));
  return all || stays ? next : advance(next, chosen);
}

/** Skips what is not decided yet: nothing that was said is lost. */
function skipPage(state: Session, at: number): Session {
  const open = itemsOf(state).filter((item) => !state.pages[0]?.work[item.item_id]?.outcome);
  const next = decide(state, at, () => ({ ...UNDECIDED, outcome: "skipped" as const }), open);
  return open.length ? { ...next, selection: new Set() } : state;
}

/** Why images were skipped, or what a reviewer is asked about them. */
function explain(state: Session, event: Extract<SessionEvent, { type: "explain" }>): Session {
  const { reason, note } = event;
  const about = itemsOf(state).filter((item) => event.itemIds.includes(item.item_id));
  const change = (work: Work): Partial<Work> => {
    if (work.outcome === "skipped" && reason !== undefined) return { reason: reason || null };
    if (work.outcome === "needs_review" && note !== undefined) return { note: note || null };
    return {};
  };
  return decide(state, event.at, change, about);
}

/** Takes what is suggested, for images that are not decided. */
function accept(state: Session, event: Extract<SessionEvent, { type: "accept" }>): Session {
  const suggested = itemsOf(state).filter((item) => {
    const work = state.pages[0]?.work[item.item_id];
    return event.itemIds.has(item.item_id) && !work?.outcome && work?.suggestions.length;
  });
  const change = (work: Work, index: number) => ({
    annotations: shownIn(work, `${event.annotationId}-${index}`),
    outcome: "labeled" as const,
    suggestions: [],
  });
  return decide(state, event.at, change, suggested);
}

function advance(state: Session, chosen: readonly TaskItem[]): Session {
  const last = chosen.at(-1);
  const from = state.pages[0]?.items.findIndex((item) => item.item_id === last?.item_id) ?? 0;
  const next = focusNextOpen(state, from);
  return next === state ? { ...state, selection: new Set(), anchor: state.focus } : next;
}

/** A page with other work on it, and which images that was. */
function withWork(page: Page, work: Page["work"]): Page {
  const changed = page.items.filter(({ item_id: id }) => work[id] !== page.work[id]);
  const unsent = new Set([...page.unsent, ...changed.map((item) => item.item_id)]);
  return { ...page, work, unsent, touched: true };
}

/** Changes the work on some images; the time since the last decision is shared among them. */
function decide(
  state: Session,
  at: number,
  change: (work: Work, index: number) => Partial<Work>,
  chosen: readonly TaskItem[] = targets(state),
): Session {
  const page = state.pages[0];
  if (!page || !chosen.length) return state;
  const spent = Math.max(at - state.decidedAt, 0) / chosen.length;
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
    pages: [withWork(page, work), ...state.pages.slice(1)],
    past: [...state.past, moment(state)].slice(-UNDO_DEPTH),
    future: [],
    decidedAt: at,
  };
}

function travel(state: Session, from: "past" | "future", to: "past" | "future"): Session {
  const page = state.pages[0];
  const there = state[from].at(-1);
  if (!page || !there) return state;
  const focus = Math.min(there.focus, page.items.length - 1);
  // What came back to the page meanwhile was not there: it stays as it is.
  const work = Object.fromEntries(
    Object.entries(page.work).map(([id, now]) => [id, there.work[id] ?? now]),
  );
  return {
    ...state,
    pages: [withWork(page, work), ...state.pages.slice(1)],
    focus,
    anchor: focus,
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
function submit(state: Session, event: Extract<SessionEvent, { type: "submit" }>): Session {
  const page = state.pages[0];
  if (!page) return state;
  const decided = page.items.filter((item) => page.work[item.item_id]?.outcome);
  if (!decided.length) return state;
  const submission: Submission = {
    submission_id: event.submissionId,
    classes_version: state.rules.classesVersion,
    items: decided.map((item) => {
      const work = page.work[item.item_id] ?? NOTHING;
      return {
        item_id: item.item_id,
        base_revision: item.revision,
        outcome: work.outcome ?? "labeled",
        annotations: work.annotations,
        reason: work.reason,
        note: work.note,
        active_ms: work.activeMs,
      };
    }),
  };
  const staying = page.items.filter((item) => !decided.includes(item));
  const rest = state.pages.slice(1);
  const sent: Outgoing = {
    submission,
    page: { ...only(page, decided), problems: {}, problem: null },
    shown: page.items.map((item) => item.item_id),
    sendAt: event.sendAt ?? 0,
    perhapsSaved: false,
  };
  return turnTo(
    {
      ...state,
      pages: staying.length ? [only(page, staying), ...rest] : rest,
      outgoing: [...state.outgoing, sent],
    },
    event.at,
  );
}

/** A page with some of its images. */
function only(page: Page, items: readonly TaskItem[]): Page {
  const ids = new Set(items.map((item) => item.item_id));
  return {
    ...page,
    items,
    work: Object.fromEntries(Object.entries(page.work).filter(([id]) => ids.has(id))),
    unsent: new Set([...page.unsent].filter((id) => ids.has(id))),
    problems: Object.fromEntries(Object.entries(page.problems).filter(([id]) => ids.has(id))),
  };
}

/** A submission that was not sent yet is taken back: its page is in hand again. */
function retract(state: Session, submissionId: string, at: number): Session {
  const sent = state.outgoing.find((one) => isFor(one, submissionId));
  if (!sent) return state;
  const taskId = sent.page.task.task_id;
  const rest = state.pages.find((page) => page.task.task_id === taskId);
  const items = [...sent.page.items, ...(rest?.items ?? [])].sort(
    (a, b) => sent.shown.indexOf(a.item_id) - sent.shown.indexOf(b.item_id),
  );
  const others = state.pages.filter((page) => page !== rest);
  const page: Page = {
    ...sent.page,
    ...rest,
    items,
    work: { ...sent.page.work, ...rest?.work },
    // All of it, so that drafts of the whole page follow.
    unsent: new Set(items.map((item) => item.item_id)),
    touched: true,
    order: Math.min(0, ...others.map((one) => one.order)) - 1,
  };
  const back = putInFront(without(state, submissionId), page, others, at);
  const last = items.findIndex((item) => item.item_id === sent.page.items.at(-1)?.item_id);
  return rest ? { ...back, focus: last, anchor: last } : back;
}

function answered(state: Session, event: Extract<SessionEvent, { type: "answered" }>): Session {
  const sent = state.outgoing.find((one) => isFor(one, event.submissionId));
  if (!sent) return state;
  const others = state.finished.filter((one) => one !== event.taskId);
  const finished = [...others, event.taskId].slice(-FINISHED_DEPTH);
  const done = event.results.filter(({ status }) => status === "saved" || status === "saved_late");
  const saved = state.saved + (isFirst(sent) ? done.length : 0);
  const next = { ...without(state, event.submissionId), finished, saved };
  const problems = Object.fromEntries(
    event.results
      .filter((result) => result.status === "refused")
      .map((result) => [result.item_id, result.problem?.detail ?? ""]),
  );
  const back = sent.page.items.filter((item) => item.item_id in problems);
  return back.length ? comeBack(next, { ...only(sent.page, back), problems }) : next;
}

/** A refused page waits behind the one in hand, so that no key falls on another image than was meant. */
function comeBack(state: Session, page: Page): Session {
  const same = state.pages.findIndex((one) => one.task.task_id === page.task.task_id);
  if (same >= 0)
    return changePage(state, page.task.task_id, (one) => ({
      ...one,
      items: [...one.items, ...page.items],
      work: { ...page.work, ...one.work },
      unsent: new Set([...one.unsent, ...page.unsent]),
      problems: { ...one.problems, ...page.problems },
      problem: page.problem ?? one.problem,
    }));
  const [first, second] = state.pages;
  if (!first) return turnTo({ ...state, pages: [page] }, state.decidedAt);
  const order = second ? (first.order + second.order) / 2 : first.order + 1;
  return { ...state, pages: [first, { ...page, order }, ...state.pages.slice(1)] };
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
  const shown =
    work.outcome === null && work.suggestions.length ? work.suggestions : work.annotations;
  return shown.some((one) => one.class_id === classId);
}

function itemsOf(state: Session): readonly TaskItem[] {
  return state.pages[0]?.items ?? [];
}
