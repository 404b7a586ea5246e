// @vitest-environment jsdom
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import { afterEach, describe, expect, it, vi } from "vitest";

import type { Chosen } from "@/upload/images";
import { uploadImages } from "@/upload/upload";

const BYTES = 1_000;
const FOLDER: Chosen[] = Array.from({ length: 250 }, (_, number) => {
  const path = `scans/${String(number).padStart(3, "0")}.png`;
  // Outside of browsers the library sends bytes of Node, no files.
  return { path, file: Object.assign(Buffer.alloc(BYTES), { size: BYTES }) as unknown as File };
});

let listening: Server | null = null;
afterEach(() => listening?.close());

/** Storage, which counts the bytes that are put, and the API in front of it. */
async function storage() {
  const nothing: () => void = () => undefined;
  const found = { stored: new Set<string>(), putBytes: 0, whenPut: nothing };
  const server = createServer((request, response) => {
    request.on("data", (some: Buffer) => (found.putBytes += some.length));
    request.on("end", () => {
      found.stored.add((request.url ?? "").replace(/^\/c\/(.*)\?.*$/, "$1"));
      response.writeHead(201, { etag: '"1"' }).end();
      found.whenPut();
    });
  });
  listening = server;
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const at = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  vi.stubGlobal("fetch", async (request: Request) => {
    const { files, overwrite } = (await request.json()) as {
      files: { path: string; size: number }[];
      overwrite: boolean;
    };
    const uploads = files.map(({ path, size }) =>
      found.stored.has(path) && !overwrite
        ? { path, exists: true, differs: size !== BYTES }
        : { path, url: `${at}/c/${path}?sig=1` },
    );
    return Response.json({ uploads });
  });
  return found;
}

describe("uploading a folder", () => {
  it("sends only what is missing when the tab was closed on the way", async () => {
    const server = await storage();
    const tab = new AbortController();
    server.whenPut = () => {
      if (server.stored.size >= 0.4 * FOLDER.length) tab.abort();
    };
    await expect(uploadImages("d-1", FOLDER, () => undefined, tab.signal)).rejects.toThrow();
    const there = server.stored.size;
    expect(there).toBeGreaterThanOrEqual(0.4 * FOLDER.length);
    expect(there).toBeLessThan(0.5 * FOLDER.length);
    server.putBytes = 0;
    server.whenPut = () => undefined;

    const outcome = await uploadImages(
      "d-1",
      FOLDER,
      () => undefined,
      new AbortController().signal,
    );

    expect(server.putBytes).toBe((FOLDER.length - there) * BYTES);
    expect(server.stored.size).toBe(FOLDER.length);
    expect(outcome.stored).toHaveLength(FOLDER.length);
    expect(outcome.failed).toEqual([]);
  });

  it("leaves what is there with another size as it is, unless it shall be overwritten", async () => {
    const server = await storage();
    const some = FOLDER.slice(0, 3);
    const signal = new AbortController().signal;
    await uploadImages("d-1", some, () => undefined, signal);
    const longer = some.slice(1).map(({ path }) => {
      const file = Object.assign(Buffer.alloc(BYTES + 1), { size: BYTES + 1 });
      return { path, file: file as unknown as File };
    });
    server.putBytes = 0;

    const left = await uploadImages("d-1", longer, () => undefined, signal);
    expect([left.stored, left.differing]).toEqual([[], longer]);
    expect(server.putBytes).toBe(0);

    const over = await uploadImages("d-1", longer, () => undefined, signal, true);
    expect(over.stored).toHaveLength(2);
    expect(server.putBytes).toBe(2 * (BYTES + 1));
  });
});
