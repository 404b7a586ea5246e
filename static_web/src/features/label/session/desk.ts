/**
 * Keeps a labeler's session supplied, saved and leased: asks for pages ahead, sends what was submitted in
 * order until it is answered, sends drafts, renews leases. Everything is in the journal before it is on its
 * way. The session itself is `session.ts`.
 */
import { ApiError, newId } from "@/api/client";
import type { DraftItem, Result, WhyNone } from "@/api/types";
import { faultText, problemText } from "@/problems";

import { activeClock } from "./activity";
import type { TaskCalls } from "./calls";
import type { Journal } from "./journal";
import { rememberReleased, wasReleased } from "./released";
import {
  draftOf,
  isUnsaved,
  newSession,
  step,
  type Outgoing,
  type Page,
  type Rules,
  type Session,
  type SessionEvent,
} from "./session";
import { waitForTurn } from "./tabs";

export interface DeskState {
  session: Session;
  /** Why no page is there, once the API has said so. */
  why: WhyNone | null;
  connection: "online" | "offline" | "signedOut";
  /** Tasks with decisions that the API does not have yet, or no longer. */
  unsaved: number;
  /** So much is unsaved that no more is taken: see MAX_UNSAVED. */
  full: boolean;
  /** This browser can't keep work (its storage is full or closed to us): only the API does. */
  unkept: boolean;
  /** Another tab works on the project; here is only shown what it does. */
  readOnly: boolean;
  /** The page before is on its way back: no key shall fall on the one that is still shown. */
  goingBack: boolean;
  /** The last thing the labeler has to know about work that was sent. */
  notice: Notice | null;
}

export type Notice =
  | { type: "refused"; count: number }
  | { type: "superseded" | "superseded_by_me" | "superseded_by_change"; count: number }
  | { type: "cannotReopen"; detail: string }
  | { type: "onItsWay" }
  | { type: "failed"; detail: string }
  | { type: "lookAgain" };

/** Where others were first for one of several images, that is what is said of them. */
function overtakenBy(
  superseded: readonly { why?: string | null }[],
): "superseded" | "superseded_by_me" | "superseded_by_change" {
  const causes = new Set(superseded.map((one) => one.why));
  if (causes.has("somebody")) return "superseded";
  return causes.has("changed") || causes.has("unusable")
    ? "superseded_by_change"
    : "superseded_by_me";
}

export interface Desk {
  state: () => DeskState;
  /** Whether every decision is in the journal or with the API. */
  kept: () => boolean;
  subscribe: (listener: () => void) => () => void;
  /** Something the labeler did. */
  act: (event: SessionEvent) => void;
  /** Somebody is there: a key or the pointer. */
  touch: () => void;
  /** Sends what is decided; not before `holdMs` have passed, so that it can be taken back without a trace. */
  submit: (options?: { holdMs?: number }) => void;
  /** Back to the page submitted last: as it was if it was not sent yet, else for correction. */
  back: () => void;
  /** Drops a page that can't be saved, and gives its images back. */
  discard: (taskId: string) => void;
  /** Works here instead of in the other tab. */
  takeOver: () => void;
  setSize: (size: number) => void;
  setRules: (rules: Rules) => void;
  /** Take over tasks that are open elsewhere. */
  resume: () => void;
  signAgain: (itemIds: string[]) => void;
  dismiss: () => void;
  /** Send what is unsent, now: the page is hidden. `gone`: for good. */
  leave: (gone: boolean) => void;
  close: () => void;
}

/** Whether nothing may be changed just now. */
export function isLocked(state: DeskState | undefined): boolean {
  return Boolean(state && (state.readOnly || state.full || state.goingBack));
}

/** More submissions than these waiting: something is wrong, and the labeler should know before going on. */
export const MAX_UNSAVED = 5;

const DRAFT_EVERY_MS = 5_000;
const DRAFT_AT_ONCE_MS = 250; // when the journal can't keep it
const LOOK_EVERY_MS = 15_000; // leases to renew, links to sign again
const IDLE_AFTER_MS = 10 * 60_000; // nobody is there: the lease may run out
const SIGN_BEFORE_MS = 5 * 60_000;
const RETRY_FIRST_MS = 1_000;
const RETRY_MOST_MS = 20_000;
const ASK_AGAIN_S = 15;
/** The images of the page that somebody waits for come before the next page. */
export const AHEAD_AFTER_MS = 300;

/** What may be done where nothing may be changed. */
const LOOKING: ReadonlySet<SessionEvent["type"]> = new Set([
  "focus",
  "move",
  "selectAll",
  "clearSelection",
  "nextOpen",
]);

export interface DeskOptions {
  calls: TaskCalls;
  journal: Journal;
  rules: Rules;
  size: number;
  /** Names what only one tab at a time may work on. */
  turn: string;
}

export function openDesk({ calls, journal, rules, size: firstSize, turn }: DeskOptions): Desk {
  const clientId = newId("tab");
  const listeners = new Set<() => void>();
  const timers = new Set<ReturnType<typeof setTimeout>>();
  const renewAt = new Map<string, number>();
  const signing = new Set<string>();
  const refusedDrafts = new Map<string, Page["work"]>(); // not sent again until they change
  const active = activeClock();
  const other = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel(turn);
  let state: DeskState = {
    session: newSession(rules),
    why: null,
    connection: "online",
    unsaved: 0,
    full: false,
    unkept: false,
    readOnly: false,
    goingBack: false,
    notice: null,
  };
  let size = firstSize;
  let closed = false;
  let mine = false; // this tab's turn
  let started = false;
  let asking = false;
  let advised = false; // said once, not with every page
  let answers = 0; // of submissions
  let requestId: string | null = null; // a new one only after an answer, so that no task is lost with a reply
  let notBefore = 0;
  let sending: string | null = null; // a submission_id
  let drafting = false;
  let draftedAt = 0;
  let failures = 0;
  let actedAt = Date.now();
  let writing = 0; // writes of the journal on their way

  function set(change: Partial<DeskState>): void {
    state = { ...state, ...change };
    const unsaved = state.session.pages.filter(isUnsaved).length + state.session.outgoing.length;
    const full = state.session.outgoing.length >= MAX_UNSAVED;
    if (state.unsaved !== unsaved || state.full !== full) state = { ...state, unsaved, full };
    tell();
  }

  function tell(): void {
    for (const listener of listeners) listener();
  }

  function dispatch(event: SessionEvent): void {
    const session = step(state.session, event);
    if (session === state.session) return;
    if (mine && !closed) keep(session);
    set({ session });
  }

  /** Into the journal before anybody sees it. */
  function keep(session: Session): void {
    writing += 1;
    journal
      .keep(session)
      .then(() => {
        if (state.unkept) set({ unkept: false });
        other?.postMessage("changed");
      })
      .catch(() => {
        set({ unkept: true });
        after(DRAFT_AT_ONCE_MS, pump);
      })
      .finally(() => {
        writing -= 1;
        if (!writing) tell();
      });
  }

  function after(ms: number, run: () => void): void {
    const timer = setTimeout(() => {
      timers.delete(timer);
      if (!closed) run();
    }, ms);
    timers.add(timer);
  }

  /** Does whatever is due; called after every change. */
  function pump(): void {
    if (closed || !mine || !started) return;
    void send();
    void supply();
    void draft();
  }

  function reached(): void {
    failures = 0;
    if (state.connection !== "online") set({ connection: "online" });
  }

  /** Says that the API cannot be reached, and tries again later. False: it was reached, and refused. */
  function passing(error: unknown): boolean {
    if (!(error instanceof ApiError)) throw error;
    if (!error.passing && !error.signedOut) return false;
    set({ connection: error.signedOut ? "signedOut" : "offline" });
    const wait = Math.min(RETRY_FIRST_MS * 2 ** failures, RETRY_MOST_MS);
    failures += 1;
    notBefore = Date.now() + wait;
    after(wait, pump);
    return true;
  }

  /** This tab's turn: goes on with what was kept here, then with what the API says is open. */
  async function begin(): Promise<void> {
    const kept = await journal.load().catch(() => null);
    if (closed) return;
    if (kept) {
      requestId = kept.requestId;
      // What was given back in the last moment may not have left the journal any more.
      const pages = kept.pages.filter(
        ({ work, task }) => Object.keys(work).length > 0 || !wasReleased(task.task_id),
      );
      // Whoever could have taken a submission back is gone, and so may be the clock that it was held by.
      const outgoing = kept.outgoing.map((one) => ({ ...one, sendAt: 0 }));
      dispatch({ type: "restored", pages, outgoing, at: active.read() });
    } else set({ unkept: true });
    await compare();
  }

  async function compare(): Promise<void> {
    try {
      const listed = await calls.open();
      reached();
      if (closed) return;
      const tasks = listed.filter((task) => !wasReleased(task.task_id));
      // What is listed though it was given back is so just now, or the request did not come through.
      for (const { task_id } of listed)
        if (wasReleased(task_id)) calls.release(task_id).catch(() => undefined);
      for (const task of tasks) lease(task.task_id, task.lease?.renew_after_s);
      dispatch({ type: "opened", tasks, at: active.read() });
      started = mine;
      pump();
    } catch (error) {
      if (!passing(error)) fail(error);
      else if (mine) after(notBefore - Date.now(), () => void (started || compare()));
    }
  }

  /** Another tab's turn: shows what it does. */
  async function watch(): Promise<void> {
    const kept = await journal.load().catch(() => null);
    if (closed || mine || !kept) return;
    dispatch({ type: "restored", pages: kept.pages, outgoing: [], at: active.read() });
    if (!kept.pages.length) await compare();
  }

  async function supply(): Promise<void> {
    const { pages, outgoing } = state.session;
    const wanted = size === 1 ? 3 : 2;
    const open = pages.length + outgoing.length;
    if (asking || state.full || open >= wanted || Date.now() < notBefore) return;
    asking = true;
    const before = answers;
    try {
      requestId ??= newRequest();
      const answer = await calls.next(requestId, size, pages.length ? "prefetch" : "next");
      requestId = null;
      void journal.keepRequest(null).catch(() => undefined);
      reached();
      asking = false;
      if (answer.task && wasReleased(answer.task.task_id)) {
        pump(); // the same request again, asked by a page that gave its answer back as it went
      } else if (answer.task) {
        lease(answer.task.task_id, answer.task.lease?.renew_after_s);
        set({ why: null });
        if (answer.look_again && !advised) set({ notice: { type: "lookAgain" } });
        advised = answer.look_again;
        const isFirst = !pages.length;
        dispatch({ type: "arrived", task: answer.task, at: active.read() });
        if (isFirst) after(AHEAD_AFTER_MS, pump);
        else pump();
      } else if (answers !== before) {
        pump(); // it was said of a moment before something was saved
      } else {
        const wait = (answer.retry_after_s ?? ASK_AGAIN_S) * 1000;
        notBefore = Date.now() + wait;
        set({ why: answer.why });
        // With nothing in hand here, those that are open elsewhere are shown.
        const stuck = answer.why === "too_many_open" && !state.session.pages.length;
        after(wait, () => (stuck && mine ? void compare() : pump()));
      }
    } catch (error) {
      asking = false;
      if (!passing(error)) {
        requestId = null;
        fail(error);
      }
    }
  }

  /** Not waited for: a task that a tab claimed as it died is found among those that are open. */
  function newRequest(): string {
    const made = calls.claimed() ?? newId("r");
    void journal.keepRequest(made).catch(() => undefined);
    return made;
  }

  async function send(): Promise<void> {
    const first = state.session.outgoing[0];
    if (!first || sending || (failures && Date.now() < notBefore)) return;
    const early = first.sendAt - Date.now();
    if (early > 0) {
      after(early, pump);
      return;
    }
    const { submission, page } = first;
    const submissionId = submission.submission_id;
    const taskId = page.task.task_id;
    sending = submissionId;
    dispatch({ type: "sent", submissionId, perhapsSaved: true });
    try {
      const { results } = await calls.submit(taskId, submission);
      reached();
      answers += 1;
      notBefore = 0; // there may be room for another page now
      dispatch({ type: "answered", submissionId, results: results.map(inWords), taskId });
      const refused = results.filter((one) => one.status === "refused").length;
      const superseded = results.filter((one) => one.status === "superseded");
      if (refused) set({ notice: { type: "refused", count: refused } });
      else if (superseded.length)
        set({ notice: { type: overtakenBy(superseded), count: superseded.length } });
    } catch (error) {
      if (!passing(error)) {
        const why = problemText(error);
        dispatch({ type: "refused", submissionId, why });
        set({ notice: { type: "refused", count: submission.items.length } });
      } else if (error instanceof ApiError && error.signedOut)
        dispatch({ type: "sent", submissionId, perhapsSaved: false });
    } finally {
      sending = null;
    }
    if (state.goingBack) goBack();
    pump();
  }

  async function draft(): Promise<void> {
    if (drafting || (failures && Date.now() < notBefore)) return;
    const pages = unsentPages().filter(
      (page) => refusedDrafts.get(page.task.task_id) !== page.work,
    );
    if (!pages.length) return;
    const every = state.unkept ? DRAFT_AT_ONCE_MS : DRAFT_EVERY_MS;
    if (draftedAt + every > Date.now()) return;
    drafting = true;
    draftedAt = Date.now();
    try {
      for (const page of pages) await sendDraft(page);
    } finally {
      drafting = false;
    }
    if (unsentPages().length) after(every, pump);
  }

  function unsentPages(): Page[] {
    return state.session.pages.filter((page) => page.unsent.size);
  }

  async function sendDraft(page: Page, leaving = false): Promise<void> {
    const taskId = page.task.task_id;
    const seq = Math.max(page.seq, page.task.draft_seq) + 1;
    try {
      await calls.draft(taskId, { client_id: clientId, seq, items: draftOf(page) }, leaving);
      reached();
      lease(taskId);
      dispatch({ type: "drafted", taskId, seq, work: page.work });
    } catch (error) {
      if (leaving || passing(error)) return;
      const newer = (error as ApiError).extra["newer"] as
        { seq: number; items: DraftItem[] } | undefined;
      if (newer) dispatch({ type: "adopted", taskId, items: newer.items, seq: newer.seq });
      else refusedDrafts.set(taskId, page.work);
    }
  }

  function lease(taskId: string, renewAfterS = 240): void {
    renewAt.set(taskId, Date.now() + renewAfterS * 1000);
  }

  function look(): void {
    after(LOOK_EVERY_MS, look);
    const now = Date.now();
    if (!mine || now - actedAt > IDLE_AFTER_MS) return;
    for (const { task, items } of state.session.pages) {
      if ((renewAt.get(task.task_id) ?? Infinity) < now) {
        lease(task.task_id);
        // A lease that cannot be renewed shows when the page is submitted: it is saved late, or refused.
        calls.renew(task.task_id).catch(() => undefined);
      }
      const aging = items.filter((one) => Date.parse(one.images.expire_at) - now < SIGN_BEFORE_MS);
      if (aging.length) signAgain(aging.map((one) => one.item_id));
    }
  }

  function signAgain(itemIds: string[]): void {
    const fresh = itemIds.filter((id) => !signing.has(id));
    if (!fresh.length) return;
    for (const id of fresh) signing.add(id);
    const ofTask = state.session.pages.find((page) =>
      page.items.some((item) => item.item_id === fresh[0]),
    );
    calls
      .sign(fresh, ofTask?.task.task_id)
      .then((images) => dispatch({ type: "signed", images }))
      .catch(() => undefined)
      .finally(() => after(LOOK_EVERY_MS, () => fresh.forEach((id) => signing.delete(id))));
  }

  function fail(error: unknown): void {
    set({ notice: { type: "failed", detail: problemText(error) } });
  }

  function touch(): void {
    active.touch();
    actedAt = Date.now();
  }

  function act(event: SessionEvent): void {
    touch();
    if (isLocked(state) && !LOOKING.has(event.type)) return;
    const before = state.session;
    dispatch("at" in event ? { ...event, at: active.read() } : event);
    if (state.session !== before && unsentPages().length) {
      const every = state.unkept ? DRAFT_AT_ONCE_MS : DRAFT_EVERY_MS;
      after(Math.max(draftedAt + every - Date.now(), 0), pump);
    }
  }

  /** The last submission, if it can be taken back before it is sent. */
  function unsentSubmission(): Outgoing | undefined {
    const last = state.session.outgoing.at(-1);
    return last?.submission.submission_id === sending ? undefined : last;
  }

  function goBack(): void {
    const last = unsentSubmission();
    if (last?.perhapsSaved) {
      set({ goingBack: false, notice: { type: "onItsWay" } });
      return;
    }
    if (last) {
      const submissionId = last.submission.submission_id;
      set({ goingBack: false });
      dispatch({ type: "retracted", submissionId, at: active.read() });
      pump();
      return;
    }
    const taskId = state.session.finished.at(-1);
    set({ goingBack: Boolean(sending ?? taskId) });
    // What is being sent can be opened again once it has arrived.
    if (taskId && !sending) void reopen(taskId);
  }

  async function reopen(taskId: string): Promise<void> {
    try {
      const request = newId("r");
      let answer = await calls.reopen(taskId, request);
      const spare = state.session.pages.slice(1).findLast((page) => !page.touched);
      if (answer.why === "too_many_open" && spare) {
        // The page ahead makes room; it will be handed out again.
        await release(spare.task.task_id);
        dispatch({ type: "discarded", taskId: spare.task.task_id, at: active.read() });
        answer = await calls.reopen(taskId, request);
      }
      reached();
      if (!answer.task) return;
      lease(answer.task.task_id, answer.task.lease?.renew_after_s);
      dispatch({ type: "reopened", taskId });
      dispatch({ type: "arrived", task: answer.task, where: "front", at: active.read() });
    } catch (error) {
      if (passing(error)) return;
      dispatch({ type: "reopened", taskId });
      set({ notice: { type: "cannotReopen", detail: problemText(error) } });
    } finally {
      set({ goingBack: false });
    }
  }

  const place = waitForTurn(turn, {
    mine: () => {
      if (closed) return;
      mine = true;
      set({ readOnly: false });
      void begin();
    },
    others: () => {
      calls.dropEarly(); // by the time it is this tab's turn, other tasks are open
      mine = false;
      started = false;
      set({ readOnly: true });
      void watch();
    },
  });
  if (other)
    other.onmessage = () => {
      if (!mine) void watch();
    };
  after(LOOK_EVERY_MS, look);

  return {
    state: () => state,
    kept: () => !writing && !(state.unkept && state.unsaved),
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    act,
    touch,
    submit: ({ holdMs = 0 } = {}) => {
      touch();
      if (isLocked(state)) return;
      const sendAt = holdMs ? Date.now() + holdMs : 0;
      dispatch({ type: "submit", submissionId: newId("s"), at: active.read(), sendAt });
      set({ why: null, notice: null }); // said before these were submitted
      pump();
    },
    back: () => {
      touch();
      if (!state.readOnly && !state.goingBack) goBack();
    },
    discard: (taskId) => {
      dispatch({ type: "discarded", taskId, at: active.read() });
      release(taskId).catch(() => undefined);
      pump();
    },
    takeOver: place.takeOver,
    setSize: (wish) => {
      size = wish;
    },
    setRules: (changed) => dispatch({ type: "rules", rules: changed }),
    resume: () => {
      notBefore = 0;
      void compare();
    },
    signAgain,
    dismiss: () => set({ notice: null }),
    leave: (gone) => {
      if (!mine) return;
      for (const { submission, page } of state.session.outgoing)
        calls.submit(page.task.task_id, submission, true).catch(() => undefined);
      for (const page of unsentPages()) void sendDraft(page, true);
      if (gone) releaseAhead();
    },
    close: () => {
      if (mine) releaseAhead();
      closed = true;
      place.close();
      other?.close();
      journal.close();
      for (const timer of timers) clearTimeout(timer);
    },
  };

  function release(taskId: string): Promise<unknown> {
    rememberReleased(taskId);
    return calls.release(taskId);
  }

  /** The page ahead goes back to the others when nobody looks at it. */
  function releaseAhead(): void {
    for (const page of state.session.pages.slice(1))
      if (!page.touched) {
        release(page.task.task_id).catch(() => undefined);
        dispatch({ type: "discarded", taskId: page.task.task_id, at: active.read() });
      }
  }
}

/** A refusal in the language of the page. */
function inWords(result: Result): Result {
  const { problem } = result;
  return problem
    ? { ...result, problem: { ...problem, detail: faultText(problem.type, problem.detail) } }
    : result;
}
