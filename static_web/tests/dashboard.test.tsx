import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";

import type { Progress } from "@/api/types";
import { DashboardPage } from "@/features/dashboard/DashboardPage";
import { daysOf, doneAt } from "@/features/dashboard/pace";

import { aProgress, aProject } from "./builders";
import { renderAt } from "./render";

const nothing = { accepted: 0, changed: 0, removed: 0, added: 0 };
const someone = { labelings: 90, today: 0, today_active_ms: 0, prelabels: nothing };
const states = { labeled: 90, needs_review: 2, available: 3, unreadable: 4, excluded: 1 };

function open() {
  return renderAt(
    "/",
    <DashboardPage project={aProject({ my_role: "reviewer" })}>{null}</DashboardPage>,
    {
      "GET /api/projects/p1/progress": aProgress({
        total: 100,
        states,
        classes: [
          { class_id: "c1", images: 20, instances: 20 },
          { class_id: "c2", images: 70, instances: 70 },
        ],
        days: [
          { day: "2026-11-18", images: 30 },
          { day: "2026-11-20", images: 60 },
        ],
        labelers: [
          { ...someone, user: "u1", name: "Jun", today: 60, today_active_ms: 20 * 60_000 },
          { ...someone, user: "u2", name: "Bora" },
        ],
      }),
    },
  );
}

it("counts neither what can't be used nor what was left out among what is to be done", async () => {
  await open();
  expect(
    await screen.findByText(
      "90 of 95 images are labeled. At the present pace it is done today. 2 ask for review.",
    ),
  ).toBeVisible();
  expect(screen.getByRole("link", { name: "1, Left out" })).toHaveAttribute(
    "href",
    "/projects/p1/data?state=excluded",
  );
});

it("tells how quickly people label, of the time they were at it", async () => {
  await open();
  const cells = async (name: string) =>
    within(await screen.findByRole("row", { name: new RegExp(name) }))
      .getAllByRole("cell")
      .map((cell) => cell.textContent);
  expect(await cells("Jun")).toEqual(["Jun", "90", "60", "180", "20"]);
  expect(await cells("Bora")).toEqual(["Bora", "90", "0", "–", "–"]);
});

it("leads from what somebody labeled today, and how quickly, to those images", async () => {
  await open();
  const row = within(await screen.findByRole("row", { name: /Jun/ }));
  const links = row.getAllByRole("link");
  expect(links.map((one) => one.getAttribute("aria-label"))).toEqual([
    "90, Jun",
    "60, Jun, Images today (UTC)",
    "180, Jun, Submitted an hour",
    "20, Jun, Seconds each",
  ]);
  for (const link of links.slice(1))
    expect(link).toHaveAttribute(
      "href",
      "/projects/p1/data?state=labeled&labeler=u1&labeled_from=2026-11-20",
    );
  expect(within(screen.getByRole("row", { name: /Bora/ })).getAllByRole("link")).toHaveLength(1);
});

const day = (date: string, images: number) => ({ day: date, images });

it("says when it is done at the present pace, and nothing where nobody knows", () => {
  const at = "2026-11-20T09:00:00Z";
  const half = { total: 40, states: { labeled: 20, available: 20 } };
  const doneOn = (days: ReturnType<typeof day>[], change: Partial<Progress> = {}) =>
    doneAt(aProgress({ ...half, at, days, ...change }))
      ?.toISOString()
      .slice(0, 10);

  expect(doneOn([day("2026-11-20", 5)])).toBe("2026-11-24");
  // Little was done today yet: as in the days before.
  expect(doneOn([day("2026-11-18", 15), day("2026-11-19", 5), day("2026-11-20", 1)])).toBe(
    "2026-11-22",
  );
  expect(doneOn([])).toBeUndefined();
  expect(doneOn([day("2026-11-20", 5)], { state: "paused" })).toBeUndefined();
  expect(doneOn([day("2026-11-20", 40)], { states: { labeled: 40 } })).toBeUndefined();
});

it("counts up to what is labeled, by days without a gap", () => {
  const progress = aProgress({
    at: "2026-11-20T09:00:00Z",
    states: { labeled: 12 },
    days: [day("2026-11-17", 4), day("2026-11-19", 5)],
  });
  expect(daysOf(progress).map((one) => [one.day.slice(8), one.images, one.inAll])).toEqual([
    ["17", 4, 7],
    ["18", 0, 7],
    ["19", 5, 12],
    ["20", 0, 12],
  ]);
});

it("shows each chart as a table too, whose numbers lead to the images", async () => {
  await open();
  await userEvent.click(await screen.findByRole("button", { name: "Table: Labeled over time" }));
  expect(screen.getByRole("link", { name: "60, Nov 20" })).toHaveAttribute(
    "href",
    "/projects/p1/data?state=labeled&labeled_from=2026-11-20&labeled_to=2026-11-20",
  );
  await userEvent.click(screen.getByRole("button", { name: "Table: Images by class" }));
  const table = screen.getByRole("table", { name: "Images by class" });
  expect(within(table).getByRole("link", { name: "70, Bath" })).toHaveAttribute(
    "href",
    "/projects/p1/data?state=labeled&class=c2",
  );
});
