import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";

import type { Import, ImportView } from "@/api/types";
import { ImportPanel } from "@/features/imports/ImportPanel";

import { aProject } from "./builders";
import { renderAt, type Answers } from "./render";

const putFile = vi.hoisted(() => vi.fn(() => Promise.resolve()));
vi.mock("@/upload/upload", () => ({ putFile }));

const path = "/api/projects/p1/imports";
const project = aProject({ project_id: "p1", my_role: "admin", task_type: "boxes" });

function anImport(change: Partial<ImportView> = {}): ImportView {
  return {
    schema_version: 1,
    import_id: "y1",
    file_name: "instances.json",
    state: "waiting",
    problem: "",
    problem_code: "",
    options: {
      format: null,
      into: "labels",
      unknown_classes: "refuse",
      empty: "leave",
      run_id: null,
      model: "",
    },
    created_at: "2026-11-20T10:00:00Z",
    created_by: "u1",
    finished_at: null,
    parts: 0,
    taken: 0,
    stretches: [],
    sparse: false,
    images: 0,
    matched: 0,
    saved: 0,
    unchanged: 0,
    annotations: 0,
    left_out: {},
    found: {},
    unknown_classes: {},
    new_classes: [],
    uploaded: false,
    guess: null,
    ...change,
  };
}

const aFormat = (name: string, title: string) => ({ name, title, reads: true, task_types: [] });

function open(imports: Import[], more: Answers = {}) {
  return renderAt("/", <ImportPanel project={project} />, {
    "GET /api/formats": { items: [aFormat("coco", "COCO"), aFormat("voc", "Pascal VOC")] },
    [`GET ${path}`]: { items: imports },
    ...more,
  });
}

it("uploads a file, shows its format, and starts with what was chosen", async () => {
  const sent: unknown[] = [];
  await open([], {
    [`POST ${path}`]: {
      ...anImport(),
      url: "https://storage/f",
      expire_at: "2026-11-20T12:00:00Z",
    },
    [`GET ${path}/y1`]: anImport({ uploaded: true, guess: "coco" }),
    [`POST ${path}/y1/start`]: async (request: Request) => {
      sent.push(await request.json());
      return Response.json(anImport({ state: "reading" }));
    },
  });

  await userEvent.upload(
    screen.getByTestId("labels-file"),
    new File(["{}"], "instances.json", { type: "application/json" }),
  );
  expect(await screen.findByText("It looks like COCO.")).toBeInTheDocument();
  await userEvent.click(screen.getByRole("radio", { name: "Labels" }));
  await userEvent.click(screen.getByRole("checkbox", { name: /Add classes/ }));
  await userEvent.click(screen.getByRole("button", { name: "Import" }));

  expect(putFile).toHaveBeenCalledOnce();
  await vi.waitFor(() =>
    expect(sent).toEqual([
      {
        format: "coco",
        into: "labels",
        unknown_classes: "create",
        empty: "leave",
        run_id: null,
        model: "",
      },
    ]),
  );
});

it("tells what was taken in, what was not, and why", async () => {
  await open([
    anImport({
      state: "done",
      images: 9,
      saved: 5,
      annotations: 12,
      unchanged: 1,
      left_out: { not_in_project: { count: 3, first: ["a.jpg", "b.jpg"] } },
      unknown_classes: { Emu: 2 },
    }),
  ]);

  const row = await screen.findByTestId("import");
  expect(row).toHaveTextContent("5 of 9 images taken in, with 12 annotations; 1 unchanged.");
  await userEvent.click(within(row).getByText("2 remarks"));
  expect(row).toHaveTextContent("Not in this project: 3 a.jpg, b.jpg");
  expect(row).toHaveTextContent("Emu (2)");
});
