import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { openJournal, type Journal } from "@/features/label/session/journal";
import {
  newSession,
  step,
  type Session,
  type SessionEvent,
} from "@/features/label/session/session";

import { anItem, aTask } from "./builders";

let journal: Journal;

beforeEach(() => {
  journal = openJournal("ada", crypto.randomUUID());
});
afterEach(() => journal.close());

const begun = step(newSession({ many: false, classesVersion: 1 }), {
  type: "arrived",
  task: aTask("t1", [anItem("i1"), anItem("i2")]),
  at: 0,
});
const label = (classId: string): SessionEvent => ({
  type: "classify",
  classId,
  annotationId: crypto.randomUUID(),
  at: 5,
});
const submit: SessionEvent = { type: "submit", submissionId: "s1", at: 6, sendAt: 42 };

/** A tab that lives through these events, writing each time, and another that opens afterwards. */
async function afterwards(...events: SessionEvent[]): Promise<[Session, Session]> {
  let session = begun;
  await journal.keep(session);
  for (const event of events) {
    session = step(session, event);
    await journal.keep(session);
  }
  const { pages, outgoing } = await journal.load();
  const next = step(newSession(begun.rules), { type: "restored", pages, outgoing, at: 6 });
  return [session, next];
}

it("gives back the work and what still has to be sent as a draft", async () => {
  const [session, next] = await afterwards(label("c1"), label("c2"));
  expect(next.pages).toEqual(session.pages);
});

it("gives back submissions in their order, with the page each came from", async () => {
  const [session, next] = await afterwards(label("c1"), submit, label("c2"), {
    type: "submit",
    submissionId: "s0",
    at: 7,
  });
  expect(next.outgoing).toEqual(session.outgoing);
  expect(next.outgoing.map((one) => one.sendAt)).toEqual([42, 0]);
});

it("leaves submissions in their order when the first has been sent without an answer", async () => {
  const [session, next] = await afterwards(
    label("c1"),
    submit,
    label("c2"),
    { type: "submit", submissionId: "s0", at: 7 },
    { type: "sent", submissionId: "s1", perhapsSaved: true },
  );
  expect(next.outgoing.map((one) => one.perhapsSaved)).toEqual([true, false]);
  expect(next.outgoing).toEqual(session.outgoing);
});

it("moves images from the page to the submission in one step", async () => {
  const [, next] = await afterwards(label("c1"), submit);
  expect(next.pages[0]?.items.map((item) => item.item_id)).toEqual(["i2"]);
  expect(next.outgoing[0]?.submission.items.map((item) => item.item_id)).toEqual(["i1"]);
});

it("forgets what was answered", async () => {
  const results = [
    { item_id: "i1", status: "saved", revision: 4, by: null, why: null, problem: null },
  ] as const;
  const [, next] = await afterwards(label("c1"), label("c1"), submit, {
    type: "answered",
    submissionId: "s1",
    taskId: "t1",
    results: [...results],
  });
  expect([next.pages, next.outgoing]).toEqual([[], []]);
});

it("keeps the request for a task until it is answered", async () => {
  await journal.keepRequest("r1");
  expect((await journal.load()).requestId).toBe("r1");
  await journal.keepRequest(null);
  expect((await journal.load()).requestId).toBeNull();
});

it("keeps people and projects apart", async () => {
  await journal.keep(step(begun, label("c1")));
  const other = openJournal("bob", "p1");
  expect((await other.load()).pages).toEqual([]);
  other.close();
});

it("says when the browser can't keep it, and writes all of it once it can", async () => {
  await journal.keep(begun);
  const full = vi.spyOn(IDBObjectStore.prototype, "put").mockImplementation(() => {
    throw new DOMException("no room", "QuotaExceededError");
  });
  const lost = step(begun, label("c1"));
  await expect(journal.keep(lost)).rejects.toThrow("no room");
  full.mockRestore();
  const session = step(lost, label("c2"));
  await journal.keep(session);
  const { pages } = await journal.load();
  expect(Object.keys(pages[0]?.work ?? {})).toEqual(["i1", "i2"]);
});

it("strikes out, when the browser is full, what the API has: no later tab shows an older state of it", async () => {
  const labeled = step(begun, label("c1"));
  await journal.keep(labeled);
  const full = vi.spyOn(IDBObjectStore.prototype, "put").mockImplementation(() => {
    throw new DOMException("no room", "QuotaExceededError");
  });
  const [page] = labeled.pages;
  const drafted = step(labeled, { type: "drafted", taskId: "t1", seq: 1, work: page?.work ?? {} });
  await expect(journal.keep(drafted)).rejects.toThrow("no room");
  full.mockRestore();

  expect((await journal.load()).pages).toEqual([]);
});

it("leaves in a full browser what the API does not have yet, however old", async () => {
  const labeled = step(begun, label("c1"));
  await journal.keep(labeled);
  const full = vi.spyOn(IDBObjectStore.prototype, "put").mockImplementation(() => {
    throw new DOMException("no room", "QuotaExceededError");
  });
  await expect(journal.keep(step(labeled, label("c2")))).rejects.toThrow("no room");
  full.mockRestore();

  const { pages } = await journal.load();
  expect(pages[0]?.work).toEqual(labeled.pages[0]?.work);
});

it("does not call kept what stands on an earlier write that the browser refused meanwhile", async () => {
  await journal.keep(begun);
  const labeled = step(begun, label("c1"));
  const commit = vi.spyOn(IDBTransaction.prototype, "commit").mockImplementationOnce(function (
    this: IDBTransaction,
  ) {
    this.abort();
  });
  const first = journal.keep(labeled);
  const second = journal.keep(step(labeled, label("c2")));
  commit.mockRestore();
  await Promise.all([expect(first).rejects.toThrow(), expect(second).rejects.toThrow()]);

  await journal.keep(labeled);
  const { pages } = await journal.load();
  expect(pages[0]?.work).toEqual(labeled.pages[0]?.work);
});

it("opens the database again after the browser has closed it", async () => {
  await journal.keep(begun);
  const closed = vi.spyOn(IDBDatabase.prototype, "transaction").mockImplementationOnce(() => {
    throw new DOMException("the database connection is closing", "InvalidStateError");
  });
  await expect(journal.keep(step(begun, label("c1")))).rejects.toThrow("closing");
  expect(closed).toHaveBeenCalledOnce();
  await journal.keep(step(begun, label("c1")));
  expect(Object.keys((await journal.load()).pages[0]?.work ?? {})).toContain("i1");
});
