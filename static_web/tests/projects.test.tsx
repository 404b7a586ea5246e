import { readFileSync } from "node:fs";

import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";

import type { Me, ProjectLine } from "@/api/types";
import { makeProject, newAttempt } from "@/features/projects/new/create";
import { blank, changeDraft, copyOf, discard } from "@/features/projects/new/draft";
import { ProjectFrame } from "@/features/projects/ProjectFrame";
import ProjectList from "@/features/projects/ProjectList";

import { aProgress, aProject } from "./builders";
import { renderAt } from "./render";

const me: Me = {
  user: "u",
  name: "Kim",
  provider: "aad",
  site_admin: true,
  token_project: null,
  token_role: null,
  seen_ms: 400,
  max_annotations: 10_000,
  max_labels_bytes: 752_640,
};

function aLine(change: Partial<ProjectLine> = {}): ProjectLine {
  return {
    project_id: "p1",
    name: "Rooms",
    team: "",
    topics: [],
    task_type: "multiclass",
    state: "running",
    my_role: "admin",
    total: 200,
    labeled: 50,
    waiting: 150,
    unusable: 0,
    returned: 0,
    returned_to_me: 0,
    active: 0,
    last_day: null,
    cover: [],
    created_at: "2026-01-01T00:00:00Z",
    counted_at: null,
    ...change,
  };
}

const answers = (items: ProjectLine[], admin = true) => ({
  "GET /api/me": { ...me, site_admin: admin },
  "GET /api/projects": { items, next_cursor: null },
});

describe("the project list", () => {
  it("shows how far each project is", async () => {
    await renderAt(
      "/",
      <ProjectList />,
      answers([aLine(), aLine({ project_id: "p2", name: "Streets" })]),
    );
    expect(await screen.findByRole("link", { name: "Rooms" })).toHaveAttribute(
      "href",
      "/projects/p1",
    );
    expect(screen.getAllByText("25%")).toHaveLength(2);
    expect(screen.getByRole("button", { name: "Label Streets" })).toBeVisible();
  });

  it("shows images, who works now, and no share that unusable images hold down", async () => {
    const cover = ["/a.webp", "/b.webp"];
    const line = aLine({ total: 15, unusable: 2, labeled: 15, waiting: 0, active: 3, cover });
    await renderAt("/", <ProjectList />, answers([{ ...line, last_day: "2026-03-04" }]));
    expect(await screen.findByText("100%")).toBeVisible();
    expect(screen.getByText("2 can't be used")).toBeVisible();
    expect(screen.getByRole("cell", { name: "3" })).toBeVisible();
    expect(screen.getByRole("cell", { name: "Mar 4" })).toBeVisible();
    expect(document.querySelectorAll("img")).toHaveLength(2);
    for (const image of document.querySelectorAll("img")) fireEvent.error(image);
    expect(screen.queryByRole("img", { name: "" })).toBeNull(); // decoration, also where it can't be shown
  });

  const rooms = {
    name: "Rooms",
    team: "",
    topics: [],
    task_type: "boxes",
    dataset_id: "d7",
    classes: [
      { name: "Room/Kitchen", description: "with a stove", examples: ["k.jpg"], colour: 5 },
      { name: "Hall", description: "", examples: [], colour: 2 },
      { name: "Old", description: "", examples: [], colour: 3, retired: true },
      { name: "Lobby", description: "", examples: [], colour: 4, merged_into: "c2" },
    ].map((one) => ({ attributes: [], retired: false, merged_into: "", ...one })),
    overlap: { labelers: 2, share: 0.1, most: 3, quorum: 0.5, iou: 0.5, shape: "median" },
    instructions: { text: "Look first.", link: "" },
    incremental_refresh: false,
    assist: { on: true },
  };
  const draft = () => JSON.parse(localStorage.getItem("labelry.newProject") ?? "{}") as object;

  it("copies a project into a new one, all but its name and people", async () => {
    discard();
    const { history } = await renderAt("/", <ProjectList />, {
      ...answers([aLine()]),
      "GET /api/projects/p1": rooms,
    });
    await userEvent.click(
      await screen.findByRole("button", { name: "Copy Rooms into a new project" }),
    );
    await waitFor(() => expect(history.at(-1)).toBe("/projects/new/details"));
    expect(draft()).toMatchObject({
      name: "Rooms (2)",
      type: "boxes",
      from: "dataset",
      datasetId: "d7",
      classes: "Room/Kitchen\nHall",
      text: "Look first.",
      refresh: false,
      assist: { on: true },
    });
    let asked: unknown;
    vi.stubGlobal("fetch", async (request: Request) => {
      asked = await request.json();
      return Response.json({});
    });
    const work = { draft: { ...blank, ...draft() }, files: [], attempt: newAttempt() };
    const kitchen = {
      name: "Room/Kitchen",
      description: "with a stove",
      attributes: [],
      colour: 5,
    };
    await makeProject(work, "d7");
    expect(asked).toMatchObject({
      classes: [
        { ...kitchen, examples: ["k.jpg"] },
        { name: "Hall", colour: 2 },
      ],
      overlap: { labelers: 2, share: 0.1 },
    });
    // Its examples are not among the images of another dataset.
    await makeProject({ ...work, draft: { ...work.draft, datasetId: "d8" } }, "d8");
    expect(asked).toMatchObject({ classes: [{ ...kitchen, examples: [] }, { name: "Hall" }] });
  });

  it("copies every setting that a project can be made with", async () => {
    const schemas = (
      JSON.parse(readFileSync("../openapi.json", "utf-8")) as {
        components: { schemas: Record<string, { properties: object }> };
      }
    ).components.schemas;
    const settings = Object.keys(schemas.NewProject?.properties ?? {});
    const project = aProject({
      task_type: "boxes",
      dataset_id: "d7",
      instructions: { text: "Look first.", link: "https://example.org" },
      incremental_refresh: false,
      assist: { ...blank.assist, on: true, first_labels: 50 },
      overlap: { ...blank.overlap, labelers: 2, share: 0.1 },
      honeypots: { rate: 0.05, limit: 0.8, after: 20, below: "pause" },
      assignments: [
        { tag: "Radiologist", folder: "xray", class_id: null, share: null },
        { tag: "Cooks", folder: null, class_id: "c3", share: null },
        { tag: "Plumbers", folder: null, class_id: "c2", share: null },
      ],
      twins: true,
      team: "Field work",
      topics: ["owls", "night"],
    });
    // A class that is not copied, so that the others have other ids than before.
    const classes = project.classes.map((one, at) => ({ ...one, retired: at === 1 }));
    let asked: Record<string, unknown> = {};
    vi.stubGlobal("fetch", async (request: Request) => {
      asked = (await request.json()) as typeof asked;
      return Response.json({});
    });

    copyOf({ ...project, classes }, true);
    const work = { draft: { ...blank, ...draft() }, files: [], attempt: newAttempt() };
    await makeProject(work, work.draft.datasetId);

    expect(Object.keys(schemas.ProjectChange?.properties ?? {}).sort()).toEqual(
      settings
        .filter((one) => !["name", "task_type", "dataset_id", "classes"].includes(one))
        .sort(),
    );
    expect(Object.keys(asked).sort()).toEqual(settings.sort());
    expect(asked).toMatchObject({ dataset_id: "d7", task_type: "boxes" });
    for (const [setting, said] of Object.entries(project))
      if (settings.includes(setting) && !["name", "classes", "assignments"].includes(setting))
        expect(asked[setting], setting).toEqual(said);
    expect(asked.assignments).toEqual([
      { tag: "Radiologist", folder: "xray", class_id: null, share: null },
      { tag: "Cooks", folder: null, class_id: "c2", share: null },
    ]);
    // What is as in an empty draft might not have been copied at all.
    const untouched: Record<string, unknown> = {
      ...blank,
      incremental_refresh: blank.refresh,
      task_type: blank.type,
      instructions: { text: "", link: "" },
    };
    for (const [setting, said] of Object.entries(asked))
      expect(said, setting).not.toEqual(untouched[setting]);
  });

  it("asks before a copy replaces a draft", async () => {
    discard();
    changeDraft({ name: "Begun" });
    const { history } = await renderAt("/", <ProjectList />, {
      ...answers([aLine()]),
      "GET /api/projects/p1": rooms,
    });
    const copy = await screen.findByRole("button", { name: "Copy Rooms into a new project" });
    await userEvent.click(copy);
    await userEvent.click(await screen.findByRole("button", { name: "Cancel" }));
    expect(draft()).toMatchObject({ name: "Begun" });
    expect(history.at(-1)).toBe("/");
    await userEvent.click(copy);
    await userEvent.click(await screen.findByRole("button", { name: "Replace it" }));
    await waitFor(() => expect(history.at(-1)).toBe("/projects/new/details"));
    expect(draft()).toMatchObject({ name: "Rooms (2)" });
  });

  it("says why a project was not copied", async () => {
    discard();
    await renderAt("/", <ProjectList />, answers([aLine()]));
    await userEvent.click(
      await screen.findByRole("button", { name: "Copy Rooms into a new project" }),
    );
    expect(await screen.findByText(/Rooms was not copied/)).toBeVisible();
  });

  it("offers no copy to those who may not make a project", async () => {
    await renderAt("/", <ProjectList />, answers([aLine()], false));
    expect(await screen.findByRole("link", { name: "Rooms" })).toBeVisible();
    expect(screen.queryByRole("button", { name: /^Copy/ })).toBeNull();
  });

  it("leads from what was sent back to its images, and to my work", async () => {
    await renderAt(
      "/",
      <ProjectList />,
      answers([
        aLine({ returned: 7, returned_to_me: 2 }),
        aLine({
          project_id: "p2",
          name: "Streets",
          my_role: "labeler",
          returned: null,
          returned_to_me: 1,
        }),
      ]),
    );
    const link = (name: string) => screen.getByRole("link", { name });
    expect(await screen.findByRole("link", { name: "7 sent back in Rooms" })).toHaveAttribute(
      "href",
      "/projects/p1/data?state=available&returned=all",
    );
    expect(link("2 images were sent back to you")).toHaveAttribute("href", "/projects/p1/mine");
    expect(link("1 sent back in Streets")).toHaveAttribute("href", "/projects/p2/mine");
    expect(link("1 image was sent back to you")).toHaveAttribute("href", "/projects/p2/mine");
  });

  it("finds a project by its name, team and topics", async () => {
    const streets = aLine({ project_id: "p2", name: "Streets", team: "Field", topics: ["Night"] });
    await renderAt("/", <ProjectList />, answers([aLine({ team: "Lab" }), streets]));
    const search = await screen.findByRole("textbox", { name: "Find by name, team or topic" });
    for (const wanted of ["str", "field", "NIGHT "]) {
      await userEvent.clear(search);
      await userEvent.type(search, wanted);
      expect(screen.queryByRole("link", { name: "Rooms" })).toBeNull();
      expect(screen.getByRole("link", { name: "Streets" })).toBeVisible();
    }
  });

  it("shows a project's team and first topics, and counts the others", async () => {
    const line = aLine({ team: "Field", topics: ["owls", "night", "2024", "north", "south"] });
    await renderAt("/", <ProjectList />, answers([line]));
    const words = within(await screen.findByRole("list", { name: "Team and topics" }));
    expect(words.getAllByRole("listitem").map((one) => one.textContent)).toEqual([
      ...["Field", "owls", "night", "2024", "2 more"],
    ]);
  });

  it("takes a labeler with one project straight to it", async () => {
    const { history } = await renderAt(
      "/",
      <ProjectList />,
      answers([aLine({ my_role: "labeler" })], false),
    );
    await waitFor(() => expect(history.at(-1)).toBe("/projects/p1/label"));
  });

  it("offers a first project to those who may make one", async () => {
    await renderAt("/", <ProjectList />, answers([]));
    expect(await screen.findByRole("button", { name: "New project" })).toBeVisible();
  });

  it("tells others whom to ask", async () => {
    await renderAt("/", <ProjectList />, answers([], false));
    expect(await screen.findByText(/Ask the person who runs the labeling/)).toBeVisible();
    expect(screen.queryByRole("button", { name: "New project" })).toBeNull();
  });
});

describe("a project that starts over", () => {
  it("says why that came to a stop, and goes on when it is told to", async () => {
    const state = { state: "updating" as const, my_role: "admin" as const };
    const why = { state_reason: "storage answered 500" };
    const resume = vi.fn<() => Promise<Response>>(() =>
      Promise.resolve(Response.json(aProject(state))),
    );
    let progress = aProgress({ state: "updating", ...why });
    await renderAt(
      "/",
      <ProjectFrame projectId="p1" tab="dashboard" missing={() => null}>
        {() => null}
      </ProjectFrame>,
      {
        "GET /api/projects/p1": () =>
          Promise.resolve(Response.json(aProject({ ...state, ...why }))),
        "GET /api/projects/p1/progress": () => Promise.resolve(Response.json(progress)),
        "POST /api/projects/p1/resume": resume,
      },
    );
    await screen.findByText("Starting over has come to a stop: storage answered 500");
    progress = aProgress({ state: "updating" });
    await userEvent.click(screen.getByRole("button", { name: "Resume" }));
    await waitFor(() => expect(screen.queryByText(/come to a stop/)).toBeNull());
    expect(resume).toHaveBeenCalledOnce();
  });
});
