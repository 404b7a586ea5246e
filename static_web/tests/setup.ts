import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { beforeEach, vi } from "vitest";

beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
});

vi.setConfig({ testTimeout: 30_000 });

if ("document" in globalThis) await import("./setupDocument");
