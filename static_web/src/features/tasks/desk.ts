/**
 * Keeps a labeler's session supplied, saved and leased: asks for pages ahead, sends what was submitted in
 * order until it is answered, sends drafts, renews leases. The session itself is `session.ts`.
 */
import { ApiError, newId } from "@/api/client";
import type { DraftItem, WhyNone } from "@/api/types";

import type { TaskCalls } from "./calls";
import {
  draftOf,
  newSession,
  step,
  type Page,
  type Rules,
  type Session,
  type SessionEvent,
} from "./session";

export interface DeskState {
  session: Session;
  /** Why no page is there, once the API has said so. */
  why: WhyNone | null;
  connection: "online" | "offline" | "signedOut";
  /** Tasks with decisions that the API does not have yet. */
  unsaved: number;
  /** The last thing the labeler has to know about work that was sent. */
  notice: Notice | null;
}

export type Notice =
  | { type: "refused"; count: number }
  | { type: "superseded"; count: number }
  | { type: "failed"; detail: string };

export interface Desk {
  state: () => DeskState;
  subscribe: (listener: () => void) => () => void;
  /** Something the labeler did. */
  act: (event: SessionEvent) => void;
  submit: () => void;
  /** Back to the page finished last, for correction. */
  back: () => void;
  setSize: (size: number) => void;
  /** Take over tasks that are open elsewhere. */
  resume: () => void;
  signAgain: (itemIds: string[]) => void;
  dismiss: () => void;
  /** Send what is unsent, now: the page is being left. */
  leave: () => void;
  close: () => void;
}

const DRAFT_EVERY_MS = 5_000;
const LOOK_EVERY_MS = 15_000; // leases to renew, links to sign again
const IDLE_AFTER_MS = 10 * 60_000; // nobody is there: the lease may run out
const SIGN_BEFORE_MS = 5 * 60_000;
const RETRY_FIRST_MS = 1_000;
const RETRY_MOST_MS = 20_000;
const ASK_AGAIN_S = 15;

export function openDesk(calls: TaskCalls, rules: Rules, firstSize: number): Desk {
  const clientId = newId("tab");
  const listeners = new Set<() => void>();
  const timers = new Set<ReturnType<typeof setTimeout>>();
  const unsent = new Set<string>(); // tasks whose draft is newer than the API's
  const renewAt = new Map<string, number>();
  const signing = new Set<string>();
  let state: DeskState = {
    session: newSession(rules),
    why: null,
    connection: "online",
    unsaved: 0,
    notice: null,
  };
  let size = firstSize;
  let closed = false;
  let started = false;
  let asking = false;
  let requestId = newId("r"); // a new one only after an answer, so that no task is lost with a reply
  let notBefore = 0;
  let sending = false;
  let drafting = false;
  let draftedAt = 0;
  let failures = 0;
  let actedAt = Date.now();

  function set(change: Partial<DeskState>): void {
    state = { ...state, ...change };
    const unsaved = unsent.size + state.session.outgoing.length;
    if (state.unsaved !== unsaved) state = { ...state, unsaved };
    for (const listener of listeners) listener();
  }

  function dispatch(event: SessionEvent): void {
    set({ session: step(state.session, event) });
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
    if (closed || !started) return;
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

  async function start(): Promise<void> {
    try {
      const tasks = await calls.open();
      reached();
      for (const task of tasks) {
        lease(task.task_id, task.lease?.renew_after_s);
        dispatch({ type: "arrived", task, at: Date.now() });
      }
      started = true;
      pump();
    } catch (error) {
      if (passing(error)) after(notBefore - Date.now(), () => void start());
      else fail(error);
    }
  }

  async function supply(): Promise<void> {
    const { pages, outgoing } = state.session;
    const wanted = size === 1 ? 3 : 2;
    const open = pages.length + outgoing.length;
    if (asking || open >= wanted || Date.now() < notBefore) return;
    asking = true;
    try {
      const answer = await calls.next(requestId, size, pages.length ? "prefetch" : "next");
      reached();
      asking = false;
      requestId = newId("r");
      if (answer.task) {
        lease(answer.task.task_id, answer.task.lease?.renew_after_s);
        set({ why: null });
        dispatch({ type: "arrived", task: answer.task, at: Date.now() });
        pump();
      } else {
        const wait = (answer.retry_after_s ?? ASK_AGAIN_S) * 1000;
        notBefore = Date.now() + wait;
        set({ why: answer.why });
        after(wait, pump);
      }
    } catch (error) {
      asking = false;
      if (!passing(error)) fail(error);
    }
  }

  async function send(): Promise<void> {
    const first = state.session.outgoing[0];
    if (!first || sending || (failures && Date.now() < notBefore)) return;
    sending = true;
    const { submission, page } = first;
    const submissionId = submission.submission_id;
    const taskId = page.task.task_id;
    try {
      const { results } = await calls.submit(taskId, submission);
      reached();
      notBefore = 0; // there may be room for another page now
      dispatch({ type: "answered", submissionId, results, taskId });
      const refused = results.filter((one) => one.status === "refused").length;
      const superseded = results.filter((one) => one.status === "superseded").length;
      if (refused) set({ notice: { type: "refused", count: refused } });
      else if (superseded) set({ notice: { type: "superseded", count: superseded } });
    } catch (error) {
      if (!passing(error)) {
        const why = (error as ApiError).message;
        dispatch({ type: "refused", submissionId, why });
        set({ notice: { type: "refused", count: submission.items.length } });
      }
    } finally {
      sending = false;
    }
    pump();
  }

  async function draft(): Promise<void> {
    if (drafting || !unsent.size || (failures && Date.now() < notBefore)) return;
    const due = draftedAt + DRAFT_EVERY_MS - Date.now();
    if (due > 0) return;
    drafting = true;
    draftedAt = Date.now();
    for (const page of unsentPages()) await sendDraft(page);
    drafting = false;
    if (unsent.size) after(DRAFT_EVERY_MS, pump);
  }

  function unsentPages(): Page[] {
    return state.session.pages.filter((page) => unsent.has(page.task.task_id));
  }

  async function sendDraft(page: Page): Promise<void> {
    const taskId = page.task.task_id;
    unsent.delete(taskId);
    const seq = nextSeq(page);
    try {
      await calls.draft(taskId, { client_id: clientId, seq, items: draftOf(page) });
      reached();
      lease(taskId);
      set({});
    } catch (error) {
      if (passing(error)) unsent.add(taskId);
      else {
        const newer = (error as ApiError).extra["newer"] as
          { seq: number; items: DraftItem[] } | undefined;
        if (newer) dispatch({ type: "adopted", taskId, items: newer.items, seq: newer.seq });
        else set({});
      }
    }
  }

  /** Grows over reloads too, so that the newest tab wins. */
  function nextSeq(page: Page): number {
    const last = seqs.get(page.task.task_id) ?? 0;
    const seq = Math.max(last, page.task.draft_seq) + 1;
    seqs.set(page.task.task_id, seq);
    return seq;
  }
  const seqs = new Map<string, number>();

  function lease(taskId: string, renewAfterS = 240): void {
    renewAt.set(taskId, Date.now() + renewAfterS * 1000);
  }

  function look(): void {
    after(LOOK_EVERY_MS, look);
    const now = Date.now();
    if (now - actedAt > IDLE_AFTER_MS) return;
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
    calls
      .sign(fresh)
      .then((images) => dispatch({ type: "signed", images }))
      .catch(() => undefined)
      .finally(() => after(LOOK_EVERY_MS, () => fresh.forEach((id) => signing.delete(id))));
  }

  function fail(error: unknown): void {
    set({ notice: { type: "failed", detail: (error as Error).message } });
  }

  function act(event: SessionEvent): void {
    actedAt = Date.now();
    const before = state.session.pages[0];
    dispatch(event);
    const page = state.session.pages[0];
    if (page && page.task === before?.task && page.work !== before.work) {
      unsent.add(page.task.task_id);
      set({});
      after(Math.max(draftedAt + DRAFT_EVERY_MS - Date.now(), 0), pump);
    }
  }

  void start();
  after(LOOK_EVERY_MS, look);

  return {
    state: () => state,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    act,
    submit: () => {
      const page = state.session.pages[0];
      actedAt = Date.now();
      dispatch({ type: "submit", submissionId: newId("s"), at: Date.now() });
      set({ why: null }); // said before these were submitted
      const left = !state.session.pages.some((one) => one.task.task_id === page?.task.task_id);
      if (page && left) unsent.delete(page.task.task_id);
      set({ notice: null });
      pump();
    },
    back: () => {
      const taskId = state.session.finished;
      if (!taskId || asking) return;
      asking = true;
      calls
        .reopen(taskId, newId("r"))
        .then(({ task }) => {
          asking = false;
          if (task) dispatch({ type: "arrived", task, where: "front", at: Date.now() });
        })
        .catch((error: unknown) => {
          asking = false;
          if (!passing(error)) fail(error);
        });
    },
    setSize: (wish) => {
      size = wish;
    },
    resume: () => {
      notBefore = 0;
      void start();
    },
    signAgain,
    dismiss: () => set({ notice: null }),
    leave: () => {
      for (const { submission, page } of state.session.outgoing)
        calls.submit(page.task.task_id, submission, true).catch(() => undefined);
      for (const page of unsentPages()) {
        const body = { client_id: clientId, seq: nextSeq(page), items: draftOf(page) };
        const taskId = page.task.task_id;
        unsent.delete(taskId);
        // Hidden pages live on: what was not taken is sent again.
        calls.draft(taskId, body, true).catch(() => unsent.add(taskId));
      }
      set({});
    },
    close: () => {
      closed = true;
      for (const timer of timers) clearTimeout(timer);
      for (const page of state.session.pages.slice(1))
        if (draftOf(page).every((one) => !one.outcome))
          calls.release(page.task.task_id).catch(() => undefined);
    },
  };
}
