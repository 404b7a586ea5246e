/** The browser's database of the journal. Apart from it, because boot.ts opens it before the app's code is there. */
import { openDB, type DBSchema, type IDBPDatabase } from "idb";

import type { KeptPage, Outgoing, Work } from "./session";

export type PageHead = Omit<KeptPage, "work" | "unsent">;

export interface Rows extends DBSchema {
  pages: { key: [string, string]; value: { scope: string; taskId: string; head: PageHead } };
  work: {
    key: [string, string, string];
    value: { scope: string; taskId: string; itemId: string; work: Work; unsent: boolean };
  };
  outgoing: {
    key: [string, string];
    value: { scope: string; submissionId: string; place: number; outgoing: Outgoing };
  };
  requests: { key: string; value: { scope: string; requestId: string } };
}

let early: Promise<IDBPDatabase<Rows>> | undefined;

/** Begins to open it for whoever does so first. */
export function openDatabaseEarly(): void {
  early = connect();
  early.catch(() => undefined); // told to whoever takes it
}

/** A connection for the caller alone, who closes it. */
export function openDatabase(): Promise<IDBPDatabase<Rows>> {
  const opened = early ?? connect();
  early = undefined;
  return opened;
}

function connect(): Promise<IDBPDatabase<Rows>> {
  return openDB<Rows>("labelry", 1, {
    upgrade: (made) => {
      made.createObjectStore("pages", { keyPath: ["scope", "taskId"] });
      made.createObjectStore("work", { keyPath: ["scope", "taskId", "itemId"] });
      made.createObjectStore("outgoing", { keyPath: ["scope", "submissionId"] });
      made.createObjectStore("requests", { keyPath: "scope" });
    },
  });
}
