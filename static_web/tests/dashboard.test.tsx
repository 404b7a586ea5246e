import { screen, within } from "@testing-library/react";
import { expect, it, vi } from "vitest";

import { DashboardPage } from "@/features/dashboard/DashboardPage";

import { aProgress, aProject } from "./builders";
import { renderAt } from "./render";

vi.setConfig({ testTimeout: 20_000 });

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
  expect(await screen.findByText("90 of 95 images are labeled. 2 ask for review.")).toBeVisible();
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
