/**
 * What this browser keeps of a session, so that nothing is lost with a tab: each page with the work on it,
 * each submission until it is answered, the id of the request for a task that is on its way.
 *
 * The journal holds what the session holds: `keep` writes the difference to what it wrote last, in one
 * transaction that is committed before the browser paints.
 */
import type { IDBPDatabase, IDBPTransaction } from "idb";

import { openDatabase, type PageHead, type Rows } from "./database";
import { isUnsaved, type KeptPage, type Outgoing, type Page, type Session } from "./session";

export interface Kept {
  pages: KeptPage[];
  outgoing: Outgoing[];
  requestId: string | null;
}

export interface Journal {
  load: () => Promise<Kept>;
  /**
   * Writes what changed since the last call. Rejects when the browser can't keep it, and tries all of it next time;
   * of what the API has nothing is left here then, or a later tab would show an older state of it.
   */
  keep: (session: Session) => Promise<void>;
  /** The id of a request for a task, before it is sent; null once it is answered. */
  keepRequest: (requestId: string | null) => Promise<void>;
  close: () => void;
}

const STORES = ["pages", "work", "outgoing"] as const satisfies (keyof Rows)[];
type Store = (typeof STORES)[number];
type Write = IDBPTransaction<Rows, Store[], "readwrite">;

/** One journal for each person and project: browsers are shared. */
export function openJournal(userId: string, projectId: string): Journal {
  const scope = `${userId}|${projectId}`;
  const everything = IDBKeyRange.bound([scope], [scope, []]);
  let database: IDBPDatabase<Rows> | null = null;
  let opening = open();
  let pages = new Map<string, Page>();
  let outgoing = new Map<string, Outgoing>();
  let places = new Map<string, number>(); // of submissions, in the order they are to be sent
  let lastPlace = 0;
  let whole = false; // whether all of it has to be written anew
  let refused = 0; // writes, by the browser
  let latest: Session | null = null; // whether it was written or not

  function open(): Promise<IDBPDatabase<Rows>> {
    const opened = openDatabase();
    opened.then((it) => (database = it)).catch(ignored); // whoever writes hears of it
    return opened;
  }

  function write(tx: Write, session: Session): void {
    const pageRows = tx.objectStore("pages");
    const workRows = tx.objectStore("work");
    const sentRows = tx.objectStore("outgoing");
    if (whole) {
      for (const name of STORES) void tx.objectStore(name).delete(everything).catch(ignored);
      pages = new Map();
      outgoing = new Map();
    }
    const nowPages = new Map(session.pages.map((page) => [page.task.task_id, page]));
    for (const taskId of pages.keys())
      if (!nowPages.has(taskId)) {
        void pageRows.delete([scope, taskId]).catch(ignored);
        void workRows
          .delete(IDBKeyRange.bound([scope, taskId], [scope, taskId, []]))
          .catch(ignored);
      }
    for (const [taskId, page] of nowPages) {
      const before = pages.get(taskId);
      if (page === before) continue;
      if (!before || !sameHead(page, before))
        void pageRows.put({ scope, taskId, head: headOf(page) }).catch(ignored);
      for (const { item_id: itemId } of before?.items ?? [])
        if (!(itemId in page.work)) void workRows.delete([scope, taskId, itemId]).catch(ignored);
      if (!page.touched) continue;
      for (const [itemId, work] of Object.entries(page.work)) {
        const unsent = page.unsent.has(itemId);
        const same =
          before?.touched && before.work[itemId] === work && before.unsent.has(itemId) === unsent;
        if (!same) void workRows.put({ scope, taskId, itemId, work, unsent }).catch(ignored);
      }
    }
    const nowSent = new Map(session.outgoing.map((one) => [one.submission.submission_id, one]));
    for (const id of outgoing.keys())
      if (!nowSent.has(id)) {
        places.delete(id);
        void sentRows.delete([scope, id]).catch(ignored);
      }
    for (const [submissionId, one] of nowSent)
      if (outgoing.get(submissionId) !== one) {
        const place = places.get(submissionId) ?? (lastPlace += 1);
        places.set(submissionId, place);
        void sentRows.put({ scope, submissionId, place, outgoing: one }).catch(ignored);
      }
    pages = nowPages;
    outgoing = nowSent;
    whole = false;
  }

  /** Deletes what only says what the API has: a full browser refuses to write, and still lets go. */
  async function strike(): Promise<void> {
    const tx = (database ?? (await opening)).transaction([...STORES], "readwrite");
    const { pages, outgoing } = latest ?? { pages: [], outgoing: [] };
    const here = [...pages.filter(isUnsaved), ...outgoing.map(({ page }) => page)];
    const tasks = new Set(here.map(({ task }) => task.task_id));
    const submissions = new Set(outgoing.map(({ submission }) => submission.submission_id));
    for (const name of STORES) {
      const rows = tx.objectStore(name);
      const kept = name === "outgoing" ? submissions : tasks;
      for (const key of await rows.getAllKeys(everything))
        if (!kept.has(key[1])) void rows.delete(key).catch(ignored);
    }
    await tx.done;
  }

  function changed({ pages: now, outgoing: sent }: Session): boolean {
    return (
      whole ||
      now.length !== pages.size ||
      sent.length !== outgoing.size ||
      now.some((page) => pages.get(page.task.task_id) !== page) ||
      sent.some((one) => outgoing.get(one.submission.submission_id) !== one)
    );
  }

  return {
    load: async () => {
      const tx = (await opening).transaction([...STORES, "requests"]);
      const [heads, works, sent, request] = await Promise.all([
        tx.objectStore("pages").getAll(everything),
        tx.objectStore("work").getAll(everything),
        tx.objectStore("outgoing").getAll(everything),
        tx.objectStore("requests").get(scope),
      ]);
      places = new Map(sent.map((row) => [row.submissionId, row.place]));
      lastPlace = Math.max(0, ...places.values());
      whole = true; // what is written next need not be compared with what was read
      return {
        pages: heads.map(({ taskId, head }) => {
          const mine = works.filter((row) => row.taskId === taskId);
          return {
            ...head,
            work: Object.fromEntries(mine.map((row) => [row.itemId, row.work])),
            unsent: new Set(mine.filter((row) => row.unsent).map((row) => row.itemId)),
          };
        }),
        outgoing: sent.sort((a, b) => a.place - b.place).map((row) => row.outgoing),
        requestId: request?.requestId ?? null,
      };
    },
    keep: async (session) => {
      latest = session;
      if (!changed(session)) return;
      let tx: Write | null = null;
      let before = refused;
      try {
        // No waiting while the database is open: the transaction is on its way before the next paint.
        tx = (database ?? (await opening)).transaction([...STORES], "readwrite");
        tx.done.catch(ignored);
        before = refused;
        write(tx, session);
        tx.commit();
        await tx.done;
      } catch (error) {
        whole = true;
        refused += 1;
        abort(tx);
        if (error instanceof DOMException && error.name === "InvalidStateError") {
          database = null; // the browser closed it, as when the user clears the site's data
          opening = open();
        } else await strike().catch(ignored);
        throw error;
      }
      // Begun before that was known, this write was the difference to something that is not there.
      if (refused !== before) throw new Error("an earlier write was refused");
    },
    keepRequest: async (requestId) => {
      const opened = database ?? (await opening);
      if (requestId) await opened.put("requests", { scope, requestId });
      else await opened.delete("requests", scope);
    },
    close: () => {
      opening.then((opened) => opened.close()).catch(ignored);
    },
  };
}

/** Images of a task that the API does not have the work on. */
export interface UnsavedLine {
  taskId: string;
  images: number;
  /** On its way, or not submitted yet. */
  submitted: boolean;
}

/** What only this browser holds of a person's work on a project. */
export async function unsavedHere(userId: string, projectId: string): Promise<UnsavedLine[]> {
  const journal = openJournal(userId, projectId);
  try {
    const { pages, outgoing } = await journal.load();
    return [
      ...outgoing.map(({ page, submission }) => ({
        taskId: page.task.task_id,
        images: submission.items.length,
        submitted: true,
      })),
      ...pages
        .filter((page) => page.unsent.size)
        .map((page) => ({
          taskId: page.task.task_id,
          images: page.unsent.size,
          submitted: false,
        })),
    ];
  } finally {
    journal.close();
  }
}

/** All or nothing: what was asked for before the error is not written either. */
function abort(tx: Write | null): void {
  try {
    tx?.abort();
  } catch {
    // It is over already.
  }
}

/** A failed write is heard of by its transaction. */
const ignored = () => undefined;

function headOf({ task, items, seq, order, problems, problem }: Page): PageHead {
  return { task, items, seq, order, problems, problem };
}

function sameHead(a: Page, b: Page): boolean {
  return (
    a.task === b.task &&
    a.items === b.items &&
    a.seq === b.seq &&
    a.order === b.order &&
    a.problems === b.problems &&
    a.problem === b.problem
  );
}
