import { beforeEach, expect, test, vi } from "vitest";

import { askEarly, takeEarly } from "@/api/early";

const get = (path: string) => new Request(new URL(path, window.location.origin));

beforeEach(() => {
  vi.stubGlobal(
    "fetch",
    vi.fn(() => Promise.resolve(new Response("{}"))),
  );
});

test("an answer asked for early is taken by the same request, once", async () => {
  askEarly("/api/me");

  expect((await takeEarly(get("/api/me")))?.ok).toBe(true);
  expect(takeEarly(get("/api/me"))).toBeUndefined();
});

test("another request, and one that changes something, are sent themselves", () => {
  askEarly("/api/projects/p/tasks?mine=true&state=open");

  expect(takeEarly(get("/api/projects/p/tasks"))).toBeUndefined();
  const url = new URL("/api/projects/p/tasks?mine=true&state=open", window.location.origin);
  expect(takeEarly(new Request(url, { method: "POST" }))).toBeUndefined();
  expect(takeEarly(new Request(url))).toBeDefined();
});

test("a failure is told to whoever takes the answer, and to nobody else", async () => {
  vi.stubGlobal(
    "fetch",
    vi.fn(() => Promise.reject(new TypeError("offline"))),
  );
  askEarly("/api/me");

  await expect(takeEarly(get("/api/me"))).rejects.toThrow("offline");
});
