import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";

import type { Result, TaskType } from "@/api/types";
import CanvasStage from "@/features/label/canvas/CanvasStage";
import LabelPage from "@/features/label/LabelPage";

import { aPerson, anItem, aProject, aTask } from "./builders";
import { renderAt } from "./render";

const tasks = "/api/projects/p1/tasks";

/** Says of an image that nothing is on it, and submits that; it had got another label meanwhile. */
async function submitLate(type: TaskType, why: Result["why"]): Promise<void> {
  const result: Result = {
    ...{ item_id: "i1", status: "superseded", revision: 5, by: null, problem: null },
    why,
  };
  await renderAt("/", <LabelPage projectId="p1" Canvas={CanvasStage} />, {
    "GET /api/me": aPerson(),
    "GET /api/projects/p1": aProject({ task_type: type }),
    [`GET ${tasks}`]: { items: [aTask("t1", [anItem("i1")])], recent: [] },
    [`POST ${tasks}`]: { task: null, why: "all_leased", retry_after_s: 15, open_tasks: [] },
    [`PUT ${tasks}/t1/draft`]: { seq: 1, lease: null },
    [`POST ${tasks}/t1/submit`]: { task_state: "closed", results: [result] },
  });
  const stage = type === "multilabel" ? "[role=option]" : "[role=application]";
  await waitFor(() =>
    expect(document.activeElement).toBe(document.querySelector<HTMLElement>(stage)),
  );
  await userEvent.keyboard("[KeyN]{Control>}[Enter]{/Control}");
}

const notice = () => screen.findByText(/kept in its history/);

it.each(["multilabel", "boxes"] as const)(
  "calls one's own later work one's own, not somebody else's: %s",
  async (type) => {
    await submitLate(type, "submitted");
    expect(await notice()).toHaveTextContent(
      "You had submitted 1 image of this page before, or have it open elsewhere.",
    );
  },
);

it.each(["multilabel", "boxes"] as const)("says that others were first: %s", async (type) => {
  await submitLate(type, "somebody");
  expect(await notice()).toHaveTextContent("1 image was labeled by someone else while you were");
});

it.each(["multilabel", "boxes"] as const)(
  "says that an image has changed, and blames nobody: %s",
  async (type) => {
    await submitLate(type, "changed");
    expect(await notice()).toHaveTextContent("1 image has changed since or was sent back.");
  },
);
