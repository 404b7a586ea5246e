import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";

import CanvasStage from "@/features/label/canvas/CanvasStage";
import LabelPage from "@/features/label/LabelPage";

import { aBox } from "./annotate/play";
import { aPerson, anItem, aProject, aTask } from "./builders";
import { renderAt } from "./render";

it("says that an image has more labels than are kept of one, before they are submitted", async () => {
  const boxes = [aBox("a", 0.1, 0.1, 0.3, 0.3), aBox("b", 0.4, 0.4, 0.6, 0.6)];
  const annotations = boxes.map((one) => ({ ...one, confidence: 0.9 }));
  const item = anItem("i1", { prelabel: { run_id: "r1", annotations } });
  const submitted: Request[] = [];
  await renderAt("/", <LabelPage projectId="p1" Canvas={CanvasStage} />, {
    "GET /api/me": aPerson({ max_annotations: 1 }),
    "GET /api/projects/p1": aProject({ task_type: "boxes" }),
    "GET /api/projects/p1/tasks": { items: [aTask("t1", [item])], recent: [] },
    "POST /api/projects/p1/tasks": { task: null, why: "all_leased", retry_after_s: 15 },
    "PUT /api/projects/p1/tasks/t1/draft": { seq: 1, lease: null },
    "POST /api/projects/p1/tasks/t1/submit": (request: Request) => {
      submitted.push(request);
      return Response.json({ task_state: "closed", results: [] });
    },
  });
  expect(await screen.findByText(/need more room than there is/)).toBeInTheDocument();
  await userEvent.keyboard("{Control>}[Enter]{/Control}");
  expect(submitted).toEqual([]);
  expect(screen.getAllByText(/need more room than there is/)).toHaveLength(2);
});
