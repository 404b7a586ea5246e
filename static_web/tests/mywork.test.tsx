import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";

import type { MyWork as Work } from "@/api/types";
import { openJournal } from "@/features/label/session/journal";
import MyWork from "@/features/label/MyWork";
import { newSession, step, type SessionEvent } from "@/features/label/session/session";
import { formatDuration } from "@/format";

import { anItem, aPerson, aProject, aTask, myItem } from "./builders";
import { renderAt, type Answers } from "./render";

const returned = { reason: "missed the tail", at: "2026-11-20T10:00:00Z", starts_over: false };

function work(change: Partial<Work> = {}): Work {
  return {
    at: "2026-11-20T12:00:00Z",
    today: { since: "2026-11-20T00:00:00Z", images: 90, active_ms: 1_800_000 },
    returned: [],
    recent: [],
    ...change,
  };
}

function open(mine: Work, more: Answers = {}) {
  return renderAt("/projects/p1/mine", <MyWork projectId="p1" />, {
    "GET /api/me": aPerson(),
    "GET /api/projects/p1": aProject(),
    "GET /api/projects/p1/mine": mine,
    ...more,
  });
}

it("says how much was done today, and how fast", async () => {
  await open(work());
  expect(await screen.findByText("90")).toBeVisible();
  expect(screen.getByText("30 min")).toBeVisible();
  expect(screen.getByText("180")).toBeVisible();
  expect(screen.getByText(/What you label appears here/)).toBeVisible();
  expect(screen.queryByRole("heading", { name: /Returned/ })).toBeNull();
  expect(screen.queryByRole("heading", { name: /Not saved/ })).toBeNull();
});

it("makes no rate of a few seconds", async () => {
  const today = { since: "2026-11-20T00:00:00Z", images: 9, active_ms: 2_000 };
  await open(work({ today }));
  expect(await screen.findByText("–")).toBeVisible();
});

it("opens an image again for correction and goes to it", async () => {
  const reopen = vi.fn<(request: Request) => Promise<Response>>(() =>
    Promise.resolve(Response.json({ task: aTask("c1", []), open_tasks: [] })),
  );
  const recent = [myItem("i1"), myItem("i2", { classes: [{ class_id: "c2", annotations: 3 }] })];
  const { history } = await open(work({ recent }), {
    "POST /api/projects/p1/tasks/t-i2/reopen": reopen,
  });
  const card = await screen.findByRole("button", { name: /i2\.jpg.*Bath.*× 3/ });
  card.focus();
  await userEvent.keyboard("{Enter}");
  await vi.waitFor(() => expect(history.at(-1)).toBe("/projects/p1/label"));
  expect(await reopen.mock.calls[0]?.[0].json()).toMatchObject({ items: ["i2"] });
});

it("says why an image can't be opened again", async () => {
  const none = { task: null, why: "too_many_open", open_tasks: ["a", "b", "c"] };
  const { history } = await open(work({ recent: [myItem("i1")] }), {
    "POST /api/projects/p1/tasks/t-i1/reopen": none,
  });
  await userEvent.click(await screen.findByRole("button", { name: /i1\.jpg/ }));
  expect(await screen.findByText(/Three pages are open already/)).toBeVisible();
  expect(history.at(-1)).toBe("/projects/p1/mine");
});

it("shows what was returned with the reason, and leads to it without reopening", async () => {
  const back = myItem("i1", { returned, can_reopen: false });
  const { history } = await open(work({ returned: [back] }));
  const part = await screen.findByRole("region", { name: "Returned to you: 1 image" });
  expect(within(part).getByText("Returned: missed the tail")).toBeVisible();
  await userEvent.click(within(part).getByRole("button"));
  expect(history.at(-1)).toBe("/projects/p1/label");
});

it("offers no correction of what others are to label again", async () => {
  await open(work({ recent: [myItem("i1", { returned, can_reopen: false })] }));
  const part = await screen.findByRole("region", { name: "Last images" });
  expect(within(part).getByText("Kitchen")).toBeVisible();
  expect(within(part).queryByRole("button")).toBeNull();
});

it("shows what only this browser holds: on its way, and not submitted yet", async () => {
  const label: SessionEvent = { type: "classify", classId: "c1", annotationId: "a", at: 0 };
  const events: SessionEvent[] = [
    {
      type: "arrived",
      task: aTask(
        "t9",
        ["i1", "i2", "i3"].map((id) => anItem(id)),
      ),
      at: 0,
    },
    label,
    label,
    { type: "submit", submissionId: "s1", at: 0 },
    label,
  ];
  const journal = openJournal(aPerson().user, "p1");
  await journal.keep(events.reduce(step, newSession({ many: false, classesVersion: 1 })));
  journal.close();

  await open(work());

  const part = await screen.findByRole("region", { name: /Not saved yet/ });
  const lines = within(part).getAllByRole("listitem");
  expect(lines.map((line) => line.textContent)).toEqual([
    "2 imagessubmitted here, waiting for the connection",
    "1 imagenot submitted yet",
  ]);
});

it("writes lengths of time shortly", () => {
  const written = [9_000, 59_999, 3_540_000, 3_600_000, 5_400_000];
  expect(written.map((ms) => formatDuration(ms, "en"))).toEqual([
    "9 sec",
    "59 sec",
    "59 min",
    "1 hr",
    "1 hr 30 min",
  ]);
  expect(formatDuration(5_400_000, "ko")).toBe("1시간 30분");
});
