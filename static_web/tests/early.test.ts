// @vitest-environment jsdom
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import {
  askEarly,
  BELIEVED_MS,
  claimEarly,
  dropEarly,
  isAwaited,
  takeClaim,
  takeEarly,
} from "@/api/early";

const get = (path: string) => new Request(new URL(path, window.location.origin));

afterEach(() => {
  dropEarly();
  vi.useRealTimers();
});

beforeEach(() => {
  vi.stubGlobal(
    "fetch",
    vi.fn(() => Promise.resolve(new Response("{}"))),
  );
});

test("an answer asked for early is taken by the same request, once", async () => {
  void askEarly("/api/me");

  expect((await takeEarly(get("/api/me")))?.ok).toBe(true);
  expect(takeEarly(get("/api/me"))).toBeUndefined();
});

test("another request, and one that changes something, are sent themselves", () => {
  void askEarly("/api/projects/p/tasks?mine=true&state=open");

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
  void askEarly("/api/me");

  await expect(takeEarly(get("/api/me"))).rejects.toThrow("offline");
});

test("a task is claimed early once, under an id of its own", async () => {
  claimEarly("/api/projects/p/tasks", 9);

  const [path, sent] = vi.mocked(fetch).mock.calls[0] ?? [];
  const claim = takeClaim("/api/projects/p/tasks");
  expect(path).toBe("/api/projects/p/tasks");
  expect(JSON.parse(sent?.body as string)).toEqual({
    request_id: claim?.requestId,
    size: 9,
    purpose: "next",
  });
  expect((await claim?.answer)?.ok).toBe(true);
  expect(takeClaim("/api/projects/p/tasks")).toBeUndefined();
});

test("what the app has asked for itself is no longer awaited", () => {
  void askEarly("/api/projects/p/tasks");
  expect(isAwaited("/api/projects/p/tasks")).toBe(true);

  void takeEarly(get("/api/projects/p/tasks"));
  expect(isAwaited("/api/projects/p/tasks")).toBe(false);
});

test("a task that was claimed for one project is nothing to another", () => {
  claimEarly("/api/projects/p/tasks", 9);

  expect(takeClaim("/api/projects/other/tasks")).toBeUndefined();
});

test("what was asked for long ago is asked anew", () => {
  vi.useFakeTimers();
  void askEarly("/api/projects/p/tasks");
  claimEarly("/api/projects/p/tasks", 9);
  vi.advanceTimersByTime(BELIEVED_MS + 1);

  expect(takeEarly(get("/api/projects/p/tasks"))).toBeUndefined();
  expect(takeClaim("/api/projects/p/tasks")).toBeUndefined();
});
