import { act, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";

import type { Annotation } from "@/api/types";
import CanvasStage from "@/features/label/canvas/CanvasStage";
import LabelPage from "@/features/label/LabelPage";

import { aPerson, anItem, aProject, aTask } from "./builders";
import { renderAt } from "./render";

const box = (x0: number, y0: number, x1: number, y1: number): Annotation["geometry"] => ({
  kind: "box",
  x0,
  y0,
  x1,
  y1,
});
const ROUGH = box(0.1, 0.1, 0.35, 0.4);
const EXACT = box(0.12, 0.1, 0.3, 0.38);

/** The drawing page with one box on it, which is selected; what is asked, and what the page says is there. */
async function open(reply: (request: Request) => Response | Promise<Response>, on = true) {
  const item = anItem("i1", {
    prelabel: {
      run_id: "r1",
      annotations: [
        {
          annotation_id: "s1",
          class_id: "c1",
          confidence: 0.8,
          frame: 0,
          geometry: ROUGH,
        },
      ],
    } as never,
  });
  const project = aProject({ task_type: "boxes" });
  await renderAt("/", <LabelPage projectId="p1" Canvas={CanvasStage} />, {
    "GET /api/me": aPerson(),
    "GET /api/projects/p1": { ...project, assist: { ...project.assist, on } },
    "GET /api/projects/p1/tasks": { items: [aTask("t1", [item])], recent: [] },
    "POST /api/projects/p1/tasks": {
      task: null,
      why: "all_leased",
      retry_after_s: 15,
      open_tasks: [],
    },
    "PUT /api/projects/p1/tasks/t1/draft": { seq: 1, lease: null },
    "POST /api/projects/p1/fit": reply,
  });
  // By its place, which is faster than by its role and name.
  const row = await waitFor(() => {
    const found = document.querySelector("[data-shape]");
    if (!found) throw new Error("no shape is listed");
    return found;
  });
  await userEvent.click(row);
}

const place = () => document.querySelector("[data-shape]")?.getAttribute("title");
const press = () => userEvent.keyboard("{Shift>}[KeyE]{/Shift}");

it("lays what is selected to what the model finds, and takes it back", async () => {
  const asked = vi.fn(async (request: Request) => {
    expect(await request.json()).toMatchObject({ item_id: "i1", task_id: "t1", box: ROUGH });
    return Response.json({ geometry: EXACT });
  });
  await open(asked);
  const before = place();
  await press();
  await waitFor(() => expect(place()).not.toBe(before));
  expect(asked).toHaveBeenCalledOnce();
  await userEvent.keyboard("{Control>}[KeyZ]{/Control}");
  expect(place()).toBe(before);
});

it("changes nothing that was changed while the model looked", async () => {
  let answer: (response: Response) => void = () => undefined;
  await open(() => new Promise((resolve) => (answer = resolve)));
  await press();
  await userEvent.keyboard("[KeyM][ArrowRight]");
  const moved = place();
  act(() => answer(Response.json({ geometry: EXACT })));
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(place()).toBe(moved);
});

it("is not offered where no model helps", async () => {
  await open(() => Response.json({ geometry: EXACT }), false);
  expect(document.querySelector("[aria-label='Fit to the thing']")).toBeNull();
});
