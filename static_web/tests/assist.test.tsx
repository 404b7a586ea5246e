import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";

import type { AssistView, ModelReport, Run } from "@/api/types";
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
    hours: null,
    click_model: false,
    ...change,
  };
}

function aRun(change: Partial<Run>): Run {
  return {
    run_id: "run-a",
    kind: "training",
    state: "done",
    reason: "",
    asked_by: "labelry",
    progress: { done: 0, total: 0, what: "" },
    created_at: "2026-11-28T10:00:00Z",
    started_at: null,
    active_at: "2026-11-28T10:00:00Z",
    finished_at: "2026-11-28T10:00:00Z",
    tries: 1,
    parent_run_id: "",
    model_id: "",
    metrics: {},
    log: [],
    ...change,
  };
}

async function open(
  view: AssistView,
  role: "admin" | "reviewer" = "admin",
  runs: Run[] = [],
  report?: ModelReport,
) {
  const project = aProject({ my_role: role, assist: view.settings });
  const again = vi.fn(() => Response.json({ items: [], next_cursor: null }, { status: 202 }));
  await renderAt("/projects/p1", <AssistPanel project={project} />, {
    "GET /api/projects/p1": project,
    "GET /api/projects/p1/assist": view,
    "GET /api/projects/p1/runs": { items: runs, next_cursor: null },
    "POST /api/projects/p1/runs/run-a/again": again,
    ...(report && { [`GET /api/projects/p1/models/${report.model_id}`]: report }),
  });
  return { again };
}

it("shows what was found out about a model: from where it may suggest, what it confuses, its card", async () => {
  vi.stubGlobal(
    "URL",
    Object.assign(URL, { createObjectURL: () => "blob:card", revokeObjectURL: vi.fn() }),
  );
  const point = { wrong: 2, wrong_at_most: 0.04 };
  const report: ModelReport = {
    model_id: "run-t",
    strict: false,
    threshold: 0.8,
    precision: 0.95,
    confidence: 0.9,
    card: "# Model run-t",
    curve: [
      { ...point, threshold: 0.9, suggested: 120, precision: 0.983, coverage: 0.6 },
      { ...point, threshold: 0.8, suggested: 150, precision: 0.972, coverage: 0.75 },
      { ...point, threshold: 0.5, suggested: 190, precision: 0.91, coverage: 0.95 },
    ],
    confusion: {
      class_ids: ["c2", "c1"],
      counts: [
        [91, 9],
        [0, 40],
      ],
    },
  };
  const run = aRun({ kind: "validation", state: "done", model_id: "run-t" });
  await open(aView(), "reviewer", [run], report);
  await userEvent.click(await screen.findByText("Validation"));

  expect(
    await screen.findByRole("img", { name: /From a confidence of 80% on, 97.2%/ }),
  ).toBeVisible();
  const rows = within(screen.getByRole("table", { name: "" })).getAllByRole("row");
  expect(
    rows.map((row) =>
      within(row)
        .queryAllByRole("cell")
        .map((cell) => cell.textContent),
    ),
  ).toEqual([[""], ["91", "9"], ["", "40"]]);
  expect(screen.getByRole("link", { name: "Model card" })).toHaveAttribute("download", "run-t.md");
  await userEvent.click(screen.getByText("Table"));
  const table = screen.getByRole("table", {
    name: "Suggestions by the confidence they would begin at",
  });
  expect(within(table).getAllByRole("row")).toHaveLength(4);
});

it("says of a model that was judged by whole images that images are what it promises", async () => {
  const point = { threshold: 0.9, suggested: 40, wrong: 1, precision: 0.975, coverage: 0.5 };
  const report: ModelReport = {
    model_id: "run-t",
    strict: true,
    threshold: 0.9,
    precision: 0.9,
    confidence: 0.9,
    card: "# Model run-t",
    curve: [{ ...point, wrong_at_most: 0.09 }],
    confusion: null,
  };
  const run = aRun({ kind: "validation", state: "done", model_id: "run-t" });
  await open(aView(), "reviewer", [run], report);
  await userEvent.click(await screen.findByText("Validation"));

  expect(
    await screen.findByRole("img", { name: /97.5% of the images with suggestions had no wrong/ }),
  ).toBeVisible();
});

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
        shapes: null,
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

it("says of suggested shapes what became of them, class by class", async () => {
  const shapes = (kept: number) => ({
    kept,
    mended: 7,
    removed: 3,
    added: 4,
    overlap: 0.81,
    moved_px: 6.5,
    points: null,
  });
  const side = { images: 30, agreed: 20, seconds: 4 };
  await open(
    aView({
      lift: {
        at: "2026-11-28T10:00:00Z",
        labels: 500,
        assisted: side,
        blind: side,
        corrections: 14,
        classes: [
          { class_id: "c1", assisted: side, blind: side, worse: "", shapes: shapes(60) },
          { class_id: "c2", assisted: side, blind: side, worse: "", shapes: null },
        ],
        shapes: shapes(90),
      },
    }),
  );
  const table = await screen.findByRole("table", { name: "What became of suggested shapes" });
  const rows = within(table)
    .getAllByRole("row")
    .slice(1)
    .map((row) =>
      within(row)
        .getAllByRole("cell")
        .map((one) => one.textContent),
    );
  expect(rows).toEqual([
    ["90", "7", "3", "4", "0.81", "6.5", "–"],
    ["60", "7", "3", "4", "0.81", "6.5", "–"],
  ]);
});

it("tells what a run measured in words, shares as percent, and by its name what it has no words for", async () => {
  const metrics = {
    validated: 120,
    precision_at_least: 0.9512,
    ap50: 0.7314,
    of_a_newer_version: 3,
  };
  await open(aView(), "reviewer", [aRun({ metrics })]);
  await userEvent.click(await screen.findByText("Training"));
  expect(screen.getAllByRole("term").map((one) => one.textContent)).toEqual([
    "Images that judged the model",
    "Suggestions that are right, at least",
    "Average precision at an overlap of 0.5",
    "of_a_newer_version",
  ]);
  expect(screen.getAllByRole("definition").map((one) => one.textContent)).toEqual([
    "120",
    "95.1%",
    "0.7314",
    "3",
  ]);
});

it("lets reviewers look, and only admins change", async () => {
  await open(aView(), "reviewer");
  await screen.findByTestId("assist-bar");
  expect(screen.queryByRole("button", { name: "Train now" })).toBeNull();
});

it("starts the newest run of a kind again where it failed", async () => {
  const failed = (run_id: string): Run =>
    aRun({ run_id, kind: "featurization", state: "failed", reason: "no job took it" });
  const { again } = await open(aView(), "admin", [failed("run-a"), failed("run-b")]);
  const buttons = await screen.findAllByRole("button", { name: "Start again", hidden: true });
  expect(buttons).toHaveLength(1);
  await userEvent.click(screen.getAllByText("Grouping")[0] as HTMLElement);
  await userEvent.click(buttons[0] as HTMLElement);
  await waitFor(() => expect(again).toHaveBeenCalled());
});
