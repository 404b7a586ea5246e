import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { beforeEach, vi } from "vitest";

beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
});

// Twice as long as a page is waited for, on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

if ("document" in globalThis) await import("./setupDocument");
