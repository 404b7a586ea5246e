// @vitest-environment jsdom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { ApiError } from "@/api/client";
import type { SubmitAnswer, TaskAnswer } from "@/api/types";
import type { TaskCalls } from "@/features/label/session/calls";
import { AHEAD_AFTER_MS, MAX_UNSAVED, openDesk, type Desk } from "@/features/label/session/desk";
import { openJournal } from "@/features/label/session/journal";

import { anItem, aTask } from "./builders";

const nothing: TaskAnswer = {
  task: null,
  why: "none_left",
  retry_after_s: 30,
  open_tasks: [],
  look_again: false,
};

function someCalls() {
  let made = 0;
  return {
    claimed: vi.fn<TaskCalls["claimed"]>(() => undefined),
    dropEarly: vi.fn<TaskCalls["dropEarly"]>(),
    open: vi.fn<TaskCalls["open"]>(() => Promise.resolve([])),
    next: vi.fn<TaskCalls["next"]>(() => {
      made += 1;
      const task = aTask(`t${made}`, [anItem(`i${made}`)]);
      return Promise.resolve({
        task,
        why: null,
        retry_after_s: null,
        open_tasks: [],
        look_again: false,
      });
    }),
    submit: vi.fn<TaskCalls["submit"]>((_, { items }) =>
      Promise.resolve({
        task_state: "closed",
        results: items.map(({ item_id }) => ({
          item_id,
          status: "saved",
          revision: 4,
          by: null,
          why: null,
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
let project: string;

async function open(): Promise<void> {
  desk = openDesk({
    calls,
    journal: openJournal("ada", project),
    rules: { many: false, classesVersion: 1 },
    size: 4,
    turn: project,
  });
  await pass(0);
  await pass(AHEAD_AFTER_MS);
}

/** Lets time pass, and the journal write in between. */
async function pass(ms: number): Promise<void> {
  for (let rounds = 0; rounds < 20; rounds += 1) {
    await vi.advanceTimersByTimeAsync(rounds === 9 ? ms : 0);
    await new Promise(setImmediate);
  }
}

/** The tab dies, and another opens. */
async function again(): Promise<void> {
  vi.clearAllTimers();
  await open();
}
const shown = () => desk.state().session.pages.map((page) => page.task.task_id);
const outcomes = () =>
  Object.values(desk.state().session.pages[0]?.work ?? {}).map((work) => work.outcome);
const label = () =>
  desk.act({ type: "classify", classId: "c1", annotationId: "a", at: Date.now() });

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
  localStorage.clear();
  calls = someCalls();
  project = crypto.randomUUID();
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

  it("tells whoever should look at the instructions again so once, though each page says it", async () => {
    const page = (id: string) => ({
      ...{ task: aTask(id, [anItem(id)]), why: null, retry_after_s: null, open_tasks: [] },
      look_again: true,
    });
    calls.next.mockResolvedValueOnce(page("a")).mockResolvedValueOnce(page("b"));
    await open();
    expect(shown()).toEqual(["a", "b"]);
    expect(desk.state().notice).toEqual({ type: "lookAgain" });
  });

  it("takes the page that was asked for before the app was there", async () => {
    calls.claimed.mockReturnValueOnce("r-early");
    await open();
    expect(calls.next.mock.calls.map((call) => call[0] === "r-early")).toEqual([true, false]);
  });

  it("leaves the connection to the images of the first page before it asks for the next", async () => {
    desk = openDesk({
      calls,
      journal: openJournal("ada", project),
      rules: { many: false, classesVersion: 1 },
      size: 4,
      turn: project,
    });
    await pass(0);
    expect(shown()).toEqual(["t1"]);
    await pass(AHEAD_AFTER_MS);
    expect(shown()).toEqual(["t1", "t2"]);
  });

  it("says why nothing comes, and goes on by itself", async () => {
    calls.next.mockResolvedValueOnce({ ...nothing, why: "paused", retry_after_s: 15 });
    await open();
    expect(desk.state().why).toBe("paused");
    await pass(15_000);
    expect(shown()).toEqual(["t1", "t2"]);
    expect(desk.state().why).toBeNull();
  });

  it("believes no answer that a submission has overtaken, and asks again at once", async () => {
    await open();
    let answer: (value: TaskAnswer) => void = () => undefined;
    calls.next.mockReturnValueOnce(new Promise((resolve) => (answer = resolve)));
    calls.next.mockResolvedValue(nothing);
    label();
    desk.submit();
    await pass(0);
    label();
    desk.submit();
    await pass(0);
    answer({ ...nothing, why: "all_leased", retry_after_s: 15 });
    await pass(0);
    expect(desk.state().why).toBe("none_left");
  });
});

it("asks with the same id again when a reply was lost", async () => {
  calls.next.mockRejectedValueOnce(new ApiError(0));
  await open();
  await pass(2_000);
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
    await pass(0);
    expect(desk.state().unsaved).toBe(0);
    expect(shown()).toEqual(["t2", "t3"]);
  });

  it("sends the same submission again while there is no connection", async () => {
    calls.submit.mockRejectedValueOnce(new ApiError(0)).mockRejectedValueOnce(new ApiError(503));
    await open();
    label();
    desk.submit();
    await pass(0);
    expect(desk.state()).toMatchObject({ connection: "offline", unsaved: 1 });
    await pass(10_000);
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
    await pass(0);
    expect(desk.state()).toMatchObject({ connection: "signedOut", unsaved: 1 });
  });

  it("brings a refused page back", async () => {
    calls.submit.mockRejectedValueOnce(new ApiError(409, { detail: "this task is not yours" }));
    await open();
    label();
    desk.submit();
    await pass(0);
    expect(shown()).toEqual(["t2", "t1"]);
    expect(desk.state().notice).toEqual({ type: "refused", count: 1 });
  });
});

describe("drafts", () => {
  it("are sent at most every five seconds, with growing numbers", async () => {
    await open();
    label();
    await pass(0);
    label();
    label();
    await pass(4_900);
    expect(calls.draft).toHaveBeenCalledTimes(1);
    await pass(200);
    expect(calls.draft.mock.calls.map(([, draft]) => draft.seq)).toEqual([1, 2]);
    expect(desk.state().unsaved).toBe(0);
  });

  it("are sent at once when the page is left", async () => {
    await open();
    label();
    await pass(0);
    label();
    desk.leave(false);
    expect(calls.draft).toHaveBeenCalledTimes(2);
    expect(calls.draft.mock.calls[1]?.[2]).toBe(true);
  });

  it("take over what a newer draft of another browser says about other images", async () => {
    calls.open.mockResolvedValue([aTask("t1", [anItem("i1"), anItem("i2")])]);
    const item = {
      item_id: "i2",
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
    await pass(5_000);
    expect(outcomes()).toEqual(["labeled", "skipped"]);
    expect(calls.draft.mock.calls.map(([, draft]) => draft.seq)).toEqual([1, 10]);
    expect(desk.state().unsaved).toBe(0);
  });

  it("that can't be taken are not sent again until they change", async () => {
    calls.draft.mockRejectedValueOnce(new ApiError(422));
    await open();
    label();
    await pass(60_000);
    expect(calls.draft).toHaveBeenCalledTimes(1);
    label();
    await pass(0);
    expect(calls.draft).toHaveBeenCalledTimes(2);
  });
});

describe("after the tab has died", () => {
  it("goes on where it was, and sends the draft that was not sent", async () => {
    calls.open.mockResolvedValue([aTask("mine", [anItem("x"), anItem("y")])]);
    calls.draft.mockRejectedValueOnce(new ApiError(0));
    await open();
    label();
    await pass(0);
    await again();
    expect(outcomes()).toEqual(["labeled", null]);
    expect(calls.draft).toHaveBeenCalledTimes(2);
    expect(desk.state().unsaved).toBe(0);
  });

  it("sends what was held though the clock was set back meanwhile", async () => {
    await open();
    label();
    desk.submit({ holdMs: 3_000 });
    await pass(100);
    vi.setSystemTime(Date.now() - 3_600_000);
    await again();
    await pass(100);
    expect(calls.submit).toHaveBeenCalledTimes(1);
    expect(desk.state().unsaved).toBe(0);
  });

  it("shows the page at once though the API can't be reached", async () => {
    calls.open.mockResolvedValueOnce([aTask("mine", [anItem("x"), anItem("y")])]);
    await open();
    label();
    await pass(0);
    calls.open.mockRejectedValue(new ApiError(0));
    await again();
    expect(shown()).toContain("mine");
    expect(desk.state().connection).toBe("offline");
  });

  it("sends the same submission again, and shows none of its images", async () => {
    calls.open.mockResolvedValue([aTask("mine", [anItem("x")])]);
    calls.submit.mockReturnValueOnce(new Promise(() => undefined));
    await open();
    label();
    desk.submit();
    await pass(0);
    await again();
    const [first, second] = calls.submit.mock.calls;
    expect(second).toEqual(first);
    expect(shown()).not.toContain("mine");
  });

  it("asks for a task with the id it had asked with", async () => {
    calls.next.mockReturnValueOnce(new Promise(() => undefined));
    await open();
    await again();
    const [first, second] = calls.next.mock.calls.map(([id]) => id);
    expect(second).toBe(first);
  });

  it("keeps work whose lease is over, and says so", async () => {
    calls.open.mockResolvedValueOnce([aTask("mine", [anItem("x"), anItem("y")])]);
    await open();
    label();
    await pass(0);
    calls.open.mockResolvedValue([]);
    await again();
    expect(desk.state().session.pages[0]?.problem).toEqual({ type: "over" });
    expect(outcomes()).toEqual(["labeled", null]);
    expect(calls.draft).toHaveBeenCalled();
    expect(desk.state().unsaved).toBe(1);
  });
});

describe("going back", () => {
  it("takes a submission back that is still held, without a call", async () => {
    await open();
    label();
    desk.submit({ holdMs: 3_000 });
    await pass(2_900);
    desk.back();
    await pass(10_000);
    expect(calls.submit).not.toHaveBeenCalled();
    expect(calls.reopen).not.toHaveBeenCalled();
    expect(shown()[0]).toBe("t1");
    expect(outcomes()).toEqual(["labeled"]);
  });

  it("sends what was held, once the time has passed", async () => {
    await open();
    label();
    desk.submit({ holdMs: 3_000 });
    await pass(3_100);
    expect(calls.submit).toHaveBeenCalledTimes(1);
  });

  it("opens what was submitted again, one page after the other", async () => {
    const reopened = (id: string) => ({
      ...nothing,
      why: null,
      task: aTask(id, [anItem("again")]),
    });
    await open();
    for (const [turn, id] of ["back-2", "back-1"].entries()) {
      label();
      desk.submit();
      await pass(0);
      calls.reopen.mockResolvedValueOnce(reopened(id));
      expect(desk.state().session.finished).toHaveLength(turn + 1);
    }
    desk.back();
    await pass(0);
    desk.back();
    await pass(0);
    expect(calls.reopen.mock.calls.map(([id]) => id)).toEqual(["t2", "t1"]);
    expect(shown().slice(0, 2)).toEqual(["back-1", "back-2"]);
  });

  it("waits for a submission that is on its way", async () => {
    let answer: (value: SubmitAnswer) => void = () => undefined;
    calls.submit.mockReturnValueOnce(new Promise((resolve) => (answer = resolve)));
    await open();
    label();
    desk.submit();
    await pass(0);
    desk.back();
    await pass(0);
    expect(calls.reopen).not.toHaveBeenCalled();
    answer({ task_state: "closed", results: [] });
    await pass(0);
    expect(calls.reopen.mock.calls.map(([id]) => id)).toEqual(["t1"]);
  });

  it("leaves alone what may be saved already though no answer came, and says why", async () => {
    calls.submit.mockRejectedValueOnce(new ApiError(0));
    await open();
    label();
    desk.submit();
    await pass(0);
    desk.back();
    await pass(0);
    expect(desk.state().notice).toEqual({ type: "onItsWay" });
    expect(shown()[0]).toBe("t2");
    await again();
    desk.back();
    await pass(0);
    expect(calls.reopen.mock.calls.map(([id]) => id)).toEqual(["t1"]);
    const [first, second] = calls.submit.mock.calls.map(([, one]) => one.submission_id);
    expect(second).toBe(first);
  });

  it("takes back what the API has refused to hear of", async () => {
    calls.submit.mockRejectedValueOnce(new ApiError(401));
    await open();
    label();
    desk.submit();
    await pass(0);
    desk.back();
    await pass(0);
    expect(shown()[0]).toBe("t1");
  });

  it("makes room with the page ahead where too many are open", async () => {
    calls.reopen.mockResolvedValueOnce({ ...nothing, why: "too_many_open" });
    await open();
    label();
    desk.submit();
    await pass(0);
    desk.back();
    await pass(0);
    expect(calls.release.mock.calls).toEqual([["t3"]]);
    expect(calls.reopen).toHaveBeenCalledTimes(2);
  });
});

it("takes no more pages when five are unsaved", async () => {
  calls.submit.mockRejectedValue(new ApiError(0));
  calls.open.mockResolvedValue(
    Array.from({ length: 6 }, (_, at) => aTask(`o${at}`, [anItem(`x${at}`)])),
  );
  await open();
  for (let page = 0; page < 6; page += 1) {
    label();
    desk.submit();
  }
  expect(desk.state()).toMatchObject({ full: true });
  expect(desk.state().session.outgoing).toHaveLength(MAX_UNSAVED);
  expect(shown()).toEqual(["o5"]);
});

it("drops a page that can't be saved when the labeler says so, and gives its images back", async () => {
  calls.submit.mockRejectedValueOnce(new ApiError(409, { detail: "this task is not yours" }));
  await open();
  label();
  desk.submit();
  await pass(0);
  desk.discard("t1");
  await pass(0);
  expect(shown()).toEqual(["t2", "t3"]);
  expect(calls.release.mock.calls).toEqual([["t1"]]);
});

it("sends drafts at once when the browser can't keep work", async () => {
  await open();
  vi.spyOn(IDBDatabase.prototype, "transaction").mockImplementation(() => {
    throw new DOMException("no room", "QuotaExceededError");
  });
  label();
  await pass(0);
  expect(desk.state().unkept).toBe(true);
  label();
  expect(desk.kept()).toBe(false);
  await pass(600);
  expect(calls.draft).toHaveBeenCalledTimes(2);
  expect(desk.kept()).toBe(true);
});

it("gives back the untouched page ahead when it is closed", async () => {
  await open();
  desk.close();
  expect(calls.release.mock.calls).toEqual([["t2"]]);
});

it("does not go on with what it has just given back, though the API lists it a last time", async () => {
  await open();
  calls.open.mockResolvedValue([aTask("t1", [anItem("i1")]), aTask("t2", [anItem("i2")])]);
  desk.leave(true);
  vi.setSystemTime(Date.now() + 3_600_000); // the laptop slept while the page was loaded anew
  await again();
  expect(shown()).toEqual(["t1", "t3"]);
  expect(calls.release.mock.calls).toEqual([["t2"], ["t2"]]); // the first may not have come through
});

it("does not take up what it has just given back, though a request that it repeats is answered with it", async () => {
  await open();
  calls.open.mockResolvedValue([aTask("t1", [anItem("i1")])]);
  desk.leave(true);
  // The journal did not come to forget the request before the page was gone.
  calls.next.mockResolvedValueOnce({ ...nothing, task: aTask("t2", [anItem("i2")]), why: null });
  await again();
  expect(shown()).toEqual(["t1", "t3"]);
  const asked = calls.next.mock.calls.map(([request]) => request);
  expect(new Set(asked).size).toBe(asked.length);
});

it("gives its turn back also where the browser keeps nothing", async () => {
  vi.spyOn(Storage.prototype, "setItem").mockImplementation(() => {
    throw new DOMException("full", "QuotaExceededError");
  });
  await open();
  desk.close();
  expect(calls.release.mock.calls).toEqual([["t2"]]);
  await open();
  expect(desk.state().readOnly).toBe(false);
});

it("asks anew what is open when it has waited for its turn", async () => {
  let work: LockGrantedCallback<void> = () => undefined;
  const request = (_: string, { ifAvailable }: LockOptions, granted: typeof work) => {
    if (ifAvailable) granted(null);
    else work = granted;
    return new Promise(() => undefined);
  };
  vi.stubGlobal("navigator", { locks: { request } });
  await open();
  expect(desk.state().readOnly).toBe(true);
  expect(calls.dropEarly).toHaveBeenCalled();
  calls.open.mockClear();
  work({} as Lock);
  await pass(0);
  expect(calls.open).toHaveBeenCalled();
  expect(shown()[0]).toBe("t1");
  vi.unstubAllGlobals();
});

it("renews leases while somebody is there", async () => {
  await open();
  await pass(5 * 60_000);
  expect(calls.renew.mock.calls.map(([id]) => id)).toEqual(["t1", "t2"]);
  await pass(30 * 60_000);
  expect(calls.renew.mock.calls.length).toBeLessThan(6);
});
