import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";

import type { Export, ExportFormat } from "@/api/types";
import { ExportNotice } from "@/features/exports/ExportNotice";
import { ExportPanel } from "@/features/exports/ExportPanel";
import { exportsQuery } from "@/features/exports/queries";

import { aProject, NO_CHOICE } from "./builders";
import { renderAt } from "./render";

function aFormat(name: string, change: Partial<ExportFormat> = {}): ExportFormat {
  return {
    name,
    title: name.toUpperCase(),
    files: [`${name}/labels.json`],
    task_types: ["multiclass", "boxes"],
    writes: true,
    reads: true,
    loses: [],
    options: [],
    samples: { multiclass: `load("${name}")` },
    ...change,
  };
}

function anExport(change: Partial<Export> = {}): Export {
  return {
    schema_version: 1,
    export_id: "e1",
    format: "aml",
    options: NO_CHOICE,
    as_of: "2026-11-20T10:00:00Z",
    name: "",
    version: null,
    state: "done",
    problem: "",
    created_at: "2026-11-20T10:00:00Z",
    created_by: "u1",
    created_by_name: "Ada",
    finished_at: null,
    items: 4,
    exported: 4,
    omitted: {},
    annotations: 4,
    lost: {},
    images: "",
    files: ["aml/labels.jsonl", "aml/MLTable", "manifest.json"].map((name) => ({
      name,
      size: 1,
      sha256: "",
    })),
    ...change,
  };
}

const FORMATS = [
  aFormat("coco", {
    loses: ["frames", "notes"],
    options: [
      "azure",
      "datastore",
      "flat",
      "classes",
      "rename",
      "path",
      "labelers",
      "since",
      "states",
      "labelings",
      "images",
    ],
  }),
  aFormat("aml", { options: ["datastore"] }),
  aFormat("yolo", { options: ["split"] }),
  aFormat("masks", { task_types: ["polygons"] }),
  aFormat("only_read", { writes: false }),
];

async function open(exports: Export[] = []) {
  const asked = vi.fn(async (request: Request) => {
    await request.clone().json();
    return Response.json(anExport({ state: "waiting" }), { status: 202 });
  });
  const removed = vi.fn(() => new Response(null, { status: 204 }));
  const linked = vi.fn((request: Request) =>
    request.json().then(() => Response.json({ url: "data:,x", name: "x", expire_at: "" })),
  );
  const difference = {
    added: { count: 2, first: ["a.jpg", "b.jpg"] },
    changed: { count: 1, first: ["c.jpg"] },
    removed: { count: 0, first: [] },
    unchanged: 7,
  };
  await renderAt("/projects/p1", <ExportPanel projectId="p1" />, {
    "GET /api/projects/p1": aProject({ my_role: "admin" }),
    "GET /api/projects/p1/progress": {
      labelers: ["Ann", "Bob", "Cid"].map((name) => ({ user: name.toLowerCase(), name })),
    },
    "GET /api/formats": { items: FORMATS },
    "GET /api/projects/p1/exports": { items: exports, next_cursor: null },
    "POST /api/projects/p1/exports": asked,
    "POST /api/projects/p1/exports/e1/link": linked,
    "POST /api/projects/p1/exports/e2/difference/e1": { state: "waiting", problem: "" },
    "GET /api/projects/p1/exports/e2/difference/e1": { state: "done", problem: "", difference },
    "DELETE /api/projects/p1/exports/e2": removed,
  });
  return { asked, linked, removed };
}

it("offers the formats that are for what the project labels", async () => {
  await open();
  expect(await screen.findByRole("option", { name: "COCO" })).toBeVisible();
  const format = screen.getByLabelText("Format");
  expect(
    within(format)
      .getAllByRole("option")
      .map((one) => one.textContent),
  ).toEqual(["COCO", "AML", "YOLO"]);
});

it("says what the chosen format can't say", async () => {
  await open();
  expect(await screen.findByText(/counted in the manifest: frames, notes/)).toBeVisible();
  await userEvent.selectOptions(screen.getByLabelText("Format"), "AML");
  expect(screen.queryByText(/counted in the manifest/)).toBeNull();
});

it("asks for the chosen format with its options", async () => {
  const { asked } = await open();
  await screen.findByRole("option", { name: "AML" });
  await userEvent.selectOptions(screen.getByLabelText("Format"), "AML");
  await userEvent.type(screen.getByLabelText("Datastore"), "azureml://x/datastores/d ");
  await userEvent.click(screen.getByRole("button", { name: "Export" }));
  const request = asked.mock.calls.at(0)?.[0];
  expect(await request?.json()).toEqual({
    format: "aml",
    as_of: null,
    options: { ...NO_CHOICE, datastore: "azureml://x/datastores/d" },
    name: "",
    version: null,
  });
});

it("asks for COCO as Azure writes it, and only then where Azure finds the images", async () => {
  const { asked } = await open();
  await screen.findByRole("option", { name: "COCO" });
  expect(screen.queryByLabelText("Datastore")).toBeNull();
  await userEvent.click(screen.getByLabelText(/As Azure Machine Learning writes/));
  await userEvent.type(screen.getByLabelText("Datastore"), "azureml://x/datastores/d");
  await userEvent.click(screen.getByText("Export", { selector: "button" }));
  await userEvent.click(screen.getByLabelText(/As Azure Machine Learning writes/));
  await userEvent.click(screen.getByText("Export", { selector: "button" }));
  const sent = await Promise.all(asked.mock.calls.map(([request]) => request.json()));
  expect(sent).toMatchObject([
    { options: { azure: true, datastore: "azureml://x/datastores/d" } },
    { options: { azure: false, datastore: "" } },
  ]);
});

it("sets images apart for validation where the format has a place for them", async () => {
  const { asked } = await open();
  await screen.findByRole("option", { name: "YOLO" });
  expect(screen.queryByLabelText("Images for validation")).toBeNull();
  await userEvent.selectOptions(screen.getByLabelText("Format"), "YOLO");
  await userEvent.selectOptions(screen.getByLabelText("Images for validation"), "30%");
  await userEvent.selectOptions(screen.getByLabelText("Images for testing"), "10%");
  await userEvent.click(screen.getByRole("button", { name: "Export" }));
  const request = asked.mock.calls.at(0)?.[0];
  expect(await request?.json()).toEqual({
    format: "yolo",
    as_of: null,
    options: { ...NO_CHOICE, split: { val: 0.3, test: 0.1, seed: "" } },
    name: "",
    version: null,
  });
});

it("asks for a part of the classes, under other names, of some images", async () => {
  const { asked } = await open();
  await userEvent.click(await screen.findByText("Choose what is exported"));
  await userEvent.click(await screen.findByLabelText("Bath"));
  await userEvent.type(screen.getByLabelText("Name of Kitchen in the files"), "bird");
  await userEvent.type(screen.getByLabelText("Only paths that begin with"), "a/");
  await userEvent.click(screen.getByLabelText(/without folders/));
  await userEvent.selectOptions(screen.getByLabelText("Images"), "links");
  await userEvent.click(screen.getByText("Export", { selector: "button" }));
  const request = asked.mock.calls.at(0)?.[0];
  expect(await request?.json()).toMatchObject({
    options: {
      ...NO_CHOICE,
      classes: ["c1", "c3"],
      rename: { c1: "bird" },
      path: "a/",
      flat: true,
      images: "links",
    },
  });
});

it("asks for the labels of several people and states, and for what each said", async () => {
  const { asked } = await open();
  await userEvent.click(await screen.findByText("Choose what is exported"));
  await userEvent.click(await screen.findByLabelText("Bob"));
  await userEvent.click(screen.getByLabelText("waiting for a reviewer"));
  expect(screen.queryByLabelText("not labeled by everybody yet")).toBeNull();
  await userEvent.click(screen.getByText("Export", { selector: "button" }));
  await userEvent.click(screen.getByLabelText(/each person said/));
  await userEvent.click(screen.getByLabelText("waiting for a reviewer"));
  await userEvent.click(screen.getByText("Export", { selector: "button" }));
  const sent = await Promise.all(asked.mock.calls.map(([request]) => request.json()));
  const labelers = ["ann", "cid"];
  expect(sent).toMatchObject([
    { options: { labelers, states: ["labeled", "needs_review"], labelings: "agreed" } },
    { options: { labelers, states: ["labeled", "available"], labelings: "each" } },
  ]);
});

it("hands out every file of labels by its name", async () => {
  await open([anExport()]);
  expect(await screen.findByRole("button", { name: /Download labels.jsonl/ })).toBeVisible();
  expect(screen.getByRole("button", { name: /Download MLTable/ })).toHaveTextContent("MLTable");
  expect(screen.getByRole("button", { name: /Download manifest.json/ })).toBeVisible();
});

it("says how many images are left out, and how the files are loaded in Python", async () => {
  await open([anExport({ omitted: { unlabeled: 3, no_class: 1 } })]);
  expect(await screen.findByText(/4 images are left out/)).toBeVisible();
  await userEvent.click(await screen.findByText("Load it in Python"));
  expect(screen.getByText('load("aml")')).toBeVisible();
});

it("tells on any page of the project that an export is ready, until that is read", async () => {
  let state: Export["state"] = "waiting";
  const pages = (
    <>
      <ExportNotice projectId="p1" />
      <ExportPanel projectId="p1" />
    </>
  );
  const { queries } = await renderAt("/projects/p1", pages, {
    "GET /api/projects/p1": aProject(),
    "GET /api/formats": { items: FORMATS },
    "GET /api/projects/p1/exports": () =>
      Promise.resolve(Response.json({ items: [anExport({ state })], next_cursor: null })),
  });
  expect(await screen.findByText(/Being made/)).toBeVisible();
  expect(screen.queryByText(/is ready/)).toBeNull();
  state = "done";
  await queries.invalidateQueries(exportsQuery("p1"));
  expect(await screen.findByText("The export AML is ready: 4 images.")).toBeVisible();
  await userEvent.click(screen.getByRole("button", { name: "Dismiss" }));
  expect(screen.queryByText(/is ready/)).toBeNull();
});

it("tells how far an export has come", async () => {
  await open([anExport({ state: "waiting", items: 12_000, files: [] })]);
  expect(await screen.findByText("Being made: 12,000 images so far")).toBeVisible();
});

const VERSIONS = [
  anExport({ export_id: "e2", name: "second", format: "coco" }),
  anExport({ export_id: "e1", name: "first", format: "coco" }),
];

it("exports a version again, and keeps another", async () => {
  const { asked } = await open(VERSIONS);
  await userEvent.type(await screen.findByLabelText(/Keep as a version/), "third ");
  await userEvent.click(screen.getByText("Export", { selector: "button" }));
  await userEvent.selectOptions(screen.getByLabelText("Labels"), "first");
  expect(screen.queryByLabelText(/Keep as a version/)).toBeNull();
  await userEvent.click(screen.getByText("Export", { selector: "button" }));
  const sent = await Promise.all(asked.mock.calls.map(([request]) => request.json()));
  expect(sent).toMatchObject([
    { name: "third", version: null },
    { name: "", version: "e1" },
  ]);
});

it("says who made a version, what changed since the one before, and deletes it", async () => {
  const { removed } = await open(VERSIONS);
  expect(await screen.findByText("second · COCO")).toBeVisible();
  expect(screen.getAllByText(/· Ada/)).toHaveLength(2);
  await userEvent.click(screen.getByText("What changed since first"));
  expect(await screen.findByText("Since first: 2 added, 1 changed, 0 removed")).toBeVisible();
  expect(screen.getByText("Added: a.jpg, b.jpg")).toBeInTheDocument();
  await userEvent.click(screen.getByLabelText(/Delete second/));
  expect(removed).not.toHaveBeenCalled();
  const dialog = within(await screen.findByRole("dialog", { name: "Delete the export second?" }));
  await userEvent.click(dialog.getByRole("button", { name: "Delete" }));
  expect(removed).toHaveBeenCalledOnce();
});

it("says that the images of a format that is made of them are copied", async () => {
  await open();
  expect(await screen.findByLabelText("Images")).toHaveValue("none");
  await userEvent.selectOptions(screen.getByLabelText("Format"), "yolo");

  expect(await screen.findByText(/copied within storage/)).toBeVisible();
  expect(screen.queryByLabelText("Images")).toBeNull();
});

it("tells where the copies of images are", async () => {
  await open([anExport({ images: "exports/p1/e1/coco/images/" })]);

  expect(await screen.findByText("Images: exports/p1/e1/coco/images/")).toBeVisible();
});
