import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { ApiError } from "@/api/client";
import type { TaskAnswer } from "@/api/types";
import type { TaskCalls } from "@/features/tasks/calls";
import { openDesk, type Desk } from "@/features/tasks/desk";

import { anItem, aTask } from "./builders";

const nothing: TaskAnswer = { task: null, why: "none_left", retry_after_s: 30, open_tasks: [] };

function someCalls() {
  let made = 0;
  return {
    open: vi.fn<TaskCalls["open"]>(() => Promise.resolve([])),
    next: vi.fn<TaskCalls["next"]>(() => {
      made += 1;
      const task = aTask(`t${made}`, [anItem(`i${made}`)]);
      return Promise.resolve({ task, why: null, retry_after_s: null, open_tasks: [] });
    }),
    submit: vi.fn<TaskCalls["submit"]>((_, { items }) =>
      Promise.resolve({
        task_state: "closed",
        results: items.map(({ item_id }) => ({
          item_id,
          status: "saved",
          revision: 4,
          by: null,
          problem: null,
        })),
      }),
    ),
    draft: vi.fn<TaskCalls["draft"]>(() => Promise.resolve()),
    renew: vi.fn<TaskCalls["renew"]>(() => Promise.resolve()),
    release: vi.fn<TaskCalls["release"]>(() => Promise.resolve()),
    reopen: vi.fn<TaskCalls["reopen"]>(() => Promise.resolve(nothing)),
    sign: vi.fn<TaskCalls["sign"]>(() => Promise.resolve({})),
  };
}

let desk: Desk;
let calls: ReturnType<typeof someCalls>;

async function open(): Promise<void> {
  desk = openDesk(calls, { many: false, classesVersion: 1 }, 4);
  await vi.advanceTimersByTimeAsync(0);
}
const shown = () => desk.state().session.pages.map((page) => page.task.task_id);
const label = () =>
  desk.act({ type: "classify", classId: "c1", annotationId: "a", at: Date.now() });

beforeEach(() => {
  vi.useFakeTimers();
  calls = someCalls();
});
afterEach(() => {
  desk.close();
  vi.useRealTimers();
});

describe("supply", () => {
  it("goes on with open tasks before it asks for another", async () => {
    calls.open.mockResolvedValue([aTask("mine", [anItem("x")])]);
    await open();
    expect(shown()).toEqual(["mine", "t1"]);
    expect(calls.next.mock.calls[0]?.slice(1)).toEqual([4, "prefetch"]);
  });

  it("asks for a page, then for one ahead", async () => {
    await open();
    expect(calls.next.mock.calls.map((call) => call[2])).toEqual(["next", "prefetch"]);
    expect(shown()).toEqual(["t1", "t2"]);
  });

  it("says why nothing comes, and goes on by itself", async () => {
    calls.next.mockResolvedValueOnce({ ...nothing, why: "paused", retry_after_s: 15 });
    await open();
    expect(desk.state().why).toBe("paused");
    await vi.advanceTimersByTimeAsync(15_000);
    expect(shown()).toEqual(["t1", "t2"]);
    expect(desk.state().why).toBeNull();
  });
});

it("asks with the same id again when a reply was lost", async () => {
  calls.next.mockRejectedValueOnce(new ApiError(0));
  await open();
  await vi.advanceTimersByTimeAsync(2_000);
  const [lost, again, ahead] = calls.next.mock.calls.map(([id]) => id);
  expect(again).toBe(lost);
  expect(ahead).not.toBe(lost);
});

describe("saving", () => {
  it("shows the next page before the submission is answered", async () => {
    await open();
    label();
    desk.submit();
    expect(shown()).toEqual(["t2"]);
    expect(desk.state().unsaved).toBe(1);
    await vi.advanceTimersByTimeAsync(0);
    expect(desk.state().unsaved).toBe(0);
    expect(shown()).toEqual(["t2", "t3"]);
  });

  it("sends the same submission again while there is no connection", async () => {
    calls.submit.mockRejectedValueOnce(new ApiError(0)).mockRejectedValueOnce(new ApiError(503));
    await open();
    label();
    desk.submit();
    await vi.advanceTimersByTimeAsync(0);
    expect(desk.state()).toMatchObject({ connection: "offline", unsaved: 1 });
    await vi.advanceTimersByTimeAsync(10_000);
    expect(desk.state()).toMatchObject({ connection: "online", unsaved: 0 });
    const ids = calls.submit.mock.calls.map(([, submission]) => submission.submission_id);
    expect(ids).toHaveLength(3);
    expect(new Set(ids).size).toBe(1);
  });

  it("keeps the work when signed out", async () => {
    calls.submit.mockRejectedValueOnce(new ApiError(401));
    await open();
    label();
    desk.submit();
    await vi.advanceTimersByTimeAsync(0);
    expect(desk.state()).toMatchObject({ connection: "signedOut", unsaved: 1 });
  });

  it("brings a refused page back", async () => {
    calls.submit.mockRejectedValueOnce(new ApiError(409, { detail: "this task is not yours" }));
    await open();
    label();
    desk.submit();
    await vi.advanceTimersByTimeAsync(0);
    expect(shown()).toEqual(["t2", "t1"]);
    expect(desk.state().notice).toEqual({ type: "refused", count: 1 });
  });
});

describe("drafts", () => {
  it("are sent at most every five seconds, with growing numbers", async () => {
    await open();
    label();
    await vi.advanceTimersByTimeAsync(0);
    label();
    label();
    await vi.advanceTimersByTimeAsync(4_900);
    expect(calls.draft).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(200);
    expect(calls.draft.mock.calls.map(([, draft]) => draft.seq)).toEqual([1, 2]);
    expect(desk.state().unsaved).toBe(0);
  });

  it("are sent at once when the page is left", async () => {
    await open();
    label();
    await vi.advanceTimersByTimeAsync(0);
    label();
    desk.leave();
    expect(calls.draft).toHaveBeenCalledTimes(2);
    expect(calls.draft.mock.calls[1]?.[2]).toBe(true);
  });

  it("give way to those of a newer tab", async () => {
    const item = {
      item_id: "i1",
      annotations: [],
      outcome: "skipped",
      reason: null,
      note: null,
      active_ms: 0,
    };
    const newer = { client_id: "other", seq: 9, items: [item] };
    calls.draft.mockRejectedValueOnce(new ApiError(409, { newer }));
    await open();
    label();
    await vi.advanceTimersByTimeAsync(0);
    expect(desk.state().session.pages[0]?.work["i1"]?.outcome).toBe("skipped");
  });
});

it("gives back the untouched page ahead when it is closed", async () => {
  await open();
  desk.close();
  expect(calls.release.mock.calls).toEqual([["t2"]]);
});

it("renews leases while somebody is there", async () => {
  await open();
  await vi.advanceTimersByTimeAsync(5 * 60_000);
  expect(calls.renew.mock.calls.map(([id]) => id)).toEqual(["t1", "t2"]);
  await vi.advanceTimersByTimeAsync(30 * 60_000);
  expect(calls.renew.mock.calls.length).toBeLessThan(6);
});
