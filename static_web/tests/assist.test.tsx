import { screen, within } from "@testing-library/react";
import { expect, it } from "vitest";

import type { AssistView, Run } from "@/api/types";
import { AssistPanel } from "@/features/assist/AssistPanel";

import { aProject } from "./builders";
import { renderAt } from "./render";

const SETTINGS = { ...aProject().assist, on: true };

function aView(change: Partial<AssistView> = {}): AssistView {
  return {
    settings: SETTINGS,
    new_labels: 120,
    needed: 300,
    trainings: 1,
    model_id: "run-1",
    suggests: true,
    active: [],
    lift: null,
    withdrawn: {},
    ...change,
  };
}

async function open(view: AssistView, role: "admin" | "reviewer" = "admin", runs: Run[] = []) {
  const project = aProject({ my_role: role, assist: view.settings });
  await renderAt("/projects/p1", <AssistPanel project={project} />, {
    "GET /api/projects/p1": project,
    "GET /api/projects/p1/assist": view,
    "GET /api/projects/p1/runs": { items: runs, next_cursor: null },
  });
}

it("says how many labels the next training waits for", async () => {
  await open(aView());
  expect(await screen.findByTestId("assist-bar")).toHaveTextContent("120 of 300 new labels");
  expect(screen.queryByRole("table")).toBeNull();
});

it("holds assisted images against blind ones, and names classes that are no longer suggested", async () => {
  await open(
    aView({
      lift: {
        at: "2026-11-28T10:00:00Z",
        labels: 500,
        assisted: { images: 160, agreed: 152, seconds: 1.4 },
        blind: { images: 20, agreed: 18, seconds: 3.2 },
        corrections: 9,
        classes: [],
      },
      withdrawn: { c2: "slow" },
    }),
  );
  const table = await screen.findByRole("table", { name: "What suggestions do" });
  const row = (name: string) =>
    within(within(table).getByRole("row", { name: new RegExp(name) }))
      .getAllByRole("cell")
      .map((one) => one.textContent);
  expect(row("Labeled as the model says")).toEqual(["95%", "90%"]);
  expect(row("Seconds an image")).toEqual(["1.4", "3.2"]);
  expect(row("Corrections")).toEqual(["9", "–"]);
  expect(screen.getByText(/Bath is not suggested any more .* took longer/)).toBeVisible();
});

it("lets reviewers look, and only admins change", async () => {
  await open(aView(), "reviewer");
  await screen.findByTestId("assist-bar");
  expect(screen.queryByRole("button", { name: "Train now" })).toBeNull();
});
