import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { type ReactNode } from "react";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { Route } from "wouter";

import { makeDataset, newAttempt } from "@/features/projects/new/create";
import { blank, changeDraft, discard, forgetPage } from "@/features/projects/new/draft";
import { folderOf, patternOf } from "@/features/projects/new/LocationPicker";
import NewProject from "@/features/projects/new/NewProject";

import { aDataset } from "./builders";
import { renderAt } from "./render";

const page: ReactNode = (
  <Route path="/projects/new/:step?">{({ step }) => <NewProject step={step ?? ""} />}</Route>
);

const storage = {
  "GET /api/storage/accounts": {
    items: [
      { account: "lab1", own: true, containers: ["datasets", "photos"], problem: "" },
      { account: "lab2", own: false, containers: [], problem: "give the role 'Reader'" },
    ],
  },
  "GET /api/storage/browse": (request: Request) => {
    const query = new URL(request.url).searchParams;
    const here = `${query.get("location") ?? ""}/${query.get("prefix") ?? ""}`;
    const pages: Record<string, unknown> = {
      "photos/": query.has("cursor")
        ? { folders: [], blobs: [{ path: "top.png", size: 900 }], next_cursor: null }
        : { folders: [{ prefix: "birds/" }], blobs: [], next_cursor: "c2" },
      "photos/birds/": {
        folders: [],
        blobs: [{ path: "birds/a.png", size: 9 }],
        next_cursor: null,
      },
    };
    return Promise.resolve(Response.json(pages[here]));
  },
  "POST /api/datasets/preview": async (request: Request) => {
    const { source } = (await request.json()) as { source: { pattern: string } };
    if (!source.pattern.endsWith("/") && !source.pattern.includes("*"))
      return Response.json(
        {
          type: "invalid",
          detail: "no pattern",
          errors: [{ pointer: "/source/pattern", code: "value-error", detail: "not a pattern" }],
        },
        { status: 422 },
      );
    return Response.json({
      images: source.pattern === "**/*.*" ? 12 : 3,
      bytes: 4096,
      skipped: [{ reason: "not_an_image", count: 2, paths: ["notes.txt", "birds/readme.md"] }],
      first: [{ path: "birds/a.png", size: 9, url: "http://x/a.png" }],
      more: false,
    });
  },
};

const made: Record<string, unknown>[] = [];
const keeping = (answer: unknown) => async (request: Request) => {
  made.push((await request.json()) as Record<string, unknown>);
  return Response.json(answer, { status: 201 });
};
const creating = {
  ...storage,
  "POST /api/datasets": keeping(aDataset({ name: "Birds" })),
  "POST /api/projects": keeping({ project_id: "p1" }),
  "POST /api/projects/p1/invitations": keeping({ member_id: "invited:x" }),
};

const go = (step: string) => userEvent.click(screen.getByRole("link", { name: step }));
const create = () => screen.getByRole("button", { name: "Create" });

beforeEach(() => {
  discard();
  made.length = 0;
});

describe("a new project", () => {
  it("begins with its details, and says what it still needs", async () => {
    const { history } = await renderAt("/projects/new", page, storage);
    await waitFor(() => expect(history.at(-1)).toBe("/projects/new/details"));
    expect(create()).toHaveAttribute("aria-disabled", "true");
    expect(create()).toHaveAccessibleDescription(/Give the project a name.*Two classes/);
  });

  it("keeps what is written through all steps, and over a reload", async () => {
    const { history } = await renderAt("/projects/new/details", page, storage);
    await userEvent.type(screen.getByRole("textbox", { name: /Name/ }), "Birds");
    await userEvent.click(screen.getByRole("button", { name: "Next" }));
    expect(history.at(-1)).toBe("/projects/new/images");
    await go("Classes");
    await userEvent.type(screen.getByRole("textbox"), "Owl{Enter}Wren");
    await userEvent.click(screen.getByRole("button", { name: "Back" }));
    forgetPage();
    await go("Details");
    expect(screen.getByRole("textbox", { name: /Name/ })).toHaveValue("Birds");
    await go("Summary");
    expect(screen.getByText("Owl")).toBeVisible();
  });

  it("keeps team and topics, sends them one by one, and refuses a topic that is too long", async () => {
    const { history } = await renderAt("/projects/new/details", page, creating);
    changeDraft({ name: "Birds", from: "dataset", datasetId: "d1", classes: "Owl\nWren" });
    const topics = screen.getByRole("textbox", { name: "Topics" });
    await userEvent.type(screen.getByRole("textbox", { name: "Team" }), "Field work ");
    await userEvent.type(topics, "owls, " + "x".repeat(41));
    expect(topics).toHaveAccessibleDescription(/at most 40 characters/);
    expect(create()).toHaveAccessibleDescription(/at most 40 characters/);
    await userEvent.type(topics, "{Backspace}");
    await go("Summary");
    expect(screen.getByText("Field work")).toBeVisible();
    expect(screen.getByText("owls")).toBeVisible();
    await userEvent.click(create());
    await waitFor(() => expect(history.at(-1)).toBe("/projects/p1"));
    expect(made[0]).toMatchObject({ team: "Field work", topics: ["owls", "x".repeat(40)] });
  });

  it("takes a location, walked to page by page, and creates as soon as name, data and classes are there", async () => {
    const { history } = await renderAt("/projects/new/details", page, creating);
    await userEvent.type(screen.getByRole("textbox", { name: /Name/ }), "Birds");
    await go("Images");
    await userEvent.click(screen.getByRole("radio", { name: "In storage" }));
    expect(await screen.findByText(/lab2: give the role/)).toBeVisible();
    await userEvent.selectOptions(screen.getByRole("combobox", { name: "Container" }), "photos");
    expect(await screen.findByText("12 images, 4.1 kB")).toBeVisible();
    const list = screen.getByRole("list", { name: "In this folder" });
    await userEvent.click(within(list).getByRole("button", { name: "Show more" }));
    expect(await within(list).findByText("top.png")).toBeVisible();
    await userEvent.click(within(list).getByRole("button", { name: "birds" }));
    expect(await screen.findByText("3 images, 4.1 kB")).toBeVisible();
    expect(screen.getByText("birds/readme.md")).toBeInTheDocument();
    await go("Classes");
    await userEvent.type(screen.getByRole("textbox"), "Owl{Enter}Wren");
    await go("People");
    await userEvent.type(
      screen.getByRole("textbox", { name: "E-mail addresses" }),
      "bora@example.org",
    );
    await userEvent.click(create());

    await waitFor(() => expect(history.at(-1)).toBe("/projects/p1"));
    const [dataset, project, invitation] = made;
    expect(dataset).toMatchObject({ source: { container: "photos", pattern: "birds/**" } });
    expect(project).toMatchObject({ name: "Birds", dataset_id: "d1", incremental_refresh: true });
    expect(invitation).toEqual({
      email: "bora@example.org",
      role: "labeler",
      tags: null,
    });
    expect(localStorage.getItem("labelry.newProject")).toBeNull();
  });

  it("keeps images for people with a tag from the first one on, and needs whole rules of classes that are there", async () => {
    const { history } = await renderAt("/projects/new/people", page, creating);
    changeDraft({ name: "Birds", from: "dataset", datasetId: "d1", classes: "Owl\nWren" });
    await userEvent.type(screen.getByRole("textbox", { name: "E-mail addresses" }), "a@b.org");
    await userEvent.type(screen.getByRole("textbox", { name: "Tags" }), "night, owls");
    await userEvent.click(screen.getByRole("button", { name: "Add a rule" }));
    expect(create()).toHaveAccessibleDescription(/of each rule for whom/);
    await userEvent.type(screen.getByRole("combobox", { name: "For people tagged" }), "owls");
    await userEvent.selectOptions(screen.getByRole("combobox", { name: "Which images" }), "class");
    await userEvent.selectOptions(screen.getByRole("combobox", { name: "Class" }), "Wren");
    changeDraft({ classes: "Owl\nRobin" });
    await waitFor(() => expect(create()).toHaveAccessibleDescription(/no class Wren any more/));
    changeDraft({ classes: "Owl\nRobin\nWren" });
    await go("Summary");
    expect(screen.getByText("Labeler, night, owls")).toBeVisible();
    expect(screen.getByText("1 rule keeps images for people with a tag")).toBeVisible();
    await userEvent.click(create());

    await waitFor(() => expect(history.at(-1)).toBe("/projects/p1"));
    const [project, invitation] = made;
    expect(project).toMatchObject({
      assignments: [{ tag: "owls", folder: null, class_id: "c3", share: null }],
    });
    expect(invitation).toMatchObject({ email: "a@b.org", tags: ["night", "owls"] });
  });

  it("uploads into the container that is chosen, also when another was tried before", async () => {
    vi.stubGlobal(
      "URL",
      Object.assign(URL, { createObjectURL: () => "x", revokeObjectURL: () => undefined }),
    );
    const file = new File(["x"], "a.png");
    const failed = { stored: [], differing: [], refused: [], failed: [{ path: "a.png", file }] };
    const stored = { ...failed, stored: ["a.png"], failed: [] };
    const into: string[] = [];
    vi.doMock("@/upload/upload", () => ({
      uploadImages: (datasetId: string) => {
        into.push(datasetId);
        return Promise.resolve(into.length === 1 ? failed : stored);
      },
    }));
    const datasets = async (request: Request) => {
      const body = (await request.json()) as Record<string, unknown>;
      made.push(body);
      const id = typeof body["container"] === "string" ? "d-chosen" : "d-own";
      return Response.json(aDataset({ dataset_id: id }), { status: 201 });
    };
    const { history } = await renderAt("/projects/new/images", page, {
      ...creating,
      "POST /api/datasets": datasets,
    });
    changeDraft({ name: "Birds", classes: "Owl\nWren" });
    await userEvent.upload(screen.getByTestId("file-input"), file);
    await userEvent.click(create());
    await screen.findByRole("button", { name: "Try again" });
    const where = screen.getByRole("combobox", { name: "Upload to" });
    expect(within(where).queryByRole("option", { name: "datasets" })).toBeNull();
    await userEvent.selectOptions(where, "photos");
    await userEvent.type(screen.getByRole("textbox", { name: "Description" }), "By the pond");
    await userEvent.click(screen.getByRole("button", { name: "Try again" }));

    await waitFor(() => expect(history.at(-1)).toBe("/projects/p1"));
    const [own, chosen, project] = made;
    expect(own).toMatchObject({ upload: true, source: null, container: null });
    expect(chosen).toMatchObject({
      upload: true,
      source: null,
      container: "photos",
      description: "By the pond",
    });
    expect(into).toEqual(["d-own", "d-chosen"]);
    expect(project).toMatchObject({ dataset_id: "d-chosen" });
    vi.doUnmock("@/upload/upload");
  });

  it("changes the description of a dataset that was made before the project was", async () => {
    const patched: unknown[] = [];
    const dataset = aDataset({ description: "Birds", version: 4 });
    const work = {
      draft: { ...blank, description: "Owls" },
      files: [],
      attempt: { ...newAttempt(), uploadsTo: { dataset, container: "" } },
    };
    await renderAt("/projects/new/images", page, {
      "PATCH /api/datasets/d1": async (request: Request) => {
        patched.push([request.headers.get("If-Match"), await request.json()]);
        return Response.json({ ...dataset, description: "Owls", version: 5 });
      },
    });

    expect(await makeDataset(work)).toBe("d1");
    expect(await makeDataset(work)).toBe("d1");
    expect(patched).toEqual([['"4"', { name: null, description: "Owls" }]]);
  });

  it("shows what a dataset is said to hold where one is chosen", async () => {
    await renderAt("/projects/new/images", page, {
      ...storage,
      "GET /api/datasets": { items: [aDataset({ description: "Owls by night" })] },
    });
    changeDraft({ from: "dataset", datasetId: "d1" });
    expect(await screen.findByText("Owls by night")).toBeVisible();
  });

  it("says beside the pattern why it is none", async () => {
    await renderAt("/projects/new/images", page, storage);
    await userEvent.click(screen.getByRole("radio", { name: "In storage" }));
    await userEvent.selectOptions(
      await screen.findByRole("combobox", { name: "Container" }),
      await screen.findByRole("option", { name: "photos" }),
    );
    const pattern = await screen.findByRole("textbox", { name: "Path pattern" });
    await userEvent.clear(pattern);
    await userEvent.type(pattern, "birds{Enter}");
    expect(await screen.findByText("not a pattern")).toBeVisible();
  });

  it("leads to the step that the API refused, with its words", async () => {
    const refusing = {
      ...creating,
      "POST /api/projects": () =>
        Promise.resolve(
          Response.json(
            { errors: [{ pointer: "/name", code: "name-used", detail: "used" }] },
            { status: 422 },
          ),
        ),
    };
    await renderAt("/projects/new/details", page, refusing);
    await userEvent.type(screen.getByRole("textbox", { name: /Name/ }), "Birds");
    await go("Images");
    await userEvent.click(screen.getByRole("radio", { name: "In storage" }));
    await userEvent.selectOptions(
      await screen.findByRole("combobox", { name: "Container" }),
      await screen.findByRole("option", { name: "photos" }),
    );
    await go("Classes");
    await userEvent.type(screen.getByRole("textbox"), "Owl{Enter}Wren");
    await userEvent.click(create());
    expect(await screen.findByText(/A project has or had this name/)).toBeVisible();
    expect(screen.getByRole("textbox", { name: /Name/ })).toHaveValue("Birds");
  });

  it("asks before a filled form is left, and keeps or throws away", async () => {
    const { history } = await renderAt("/projects/new/details", page, storage);
    await userEvent.type(screen.getByRole("textbox", { name: /Name/ }), "Birds");
    await userEvent.click(screen.getByRole("button", { name: "Cancel" }));
    await userEvent.click(await screen.findByRole("button", { name: "Stay" }));
    expect(history.at(-1)).toBe("/projects/new/details");
    await userEvent.click(screen.getByRole("button", { name: "Cancel" }));
    await userEvent.click(await screen.findByRole("button", { name: "Throw away" }));
    expect(history.at(-1)).toBe("/?list");
    expect(localStorage.getItem("labelry.newProject")).toBeNull();
  });

  it("warns of a reload only while files are chosen", async () => {
    await renderAt("/projects/new/images", page, storage);
    const unload = () => {
      const event = new Event("beforeunload", { cancelable: true });
      window.dispatchEvent(event);
      return event.defaultPrevented;
    };
    expect(unload()).toBe(false);
    vi.stubGlobal(
      "URL",
      Object.assign(URL, { createObjectURL: () => "x", revokeObjectURL: () => undefined }),
    );
    await userEvent.upload(screen.getByTestId("file-input"), new File(["x"], "a.png"));
    expect(unload()).toBe(true);
  });

  it("begins instructions with the four questions, once", async () => {
    await renderAt("/projects/new/instructions", page, storage);
    const button = screen.getByRole("button", { name: "Begin with the four questions" });
    await userEvent.click(button);
    expect(
      screen.getByText(/What defines[^]*consistent[^]*partly visible[^]*overlap/),
    ).toBeVisible();
    expect(button).toHaveAttribute("aria-disabled", "true");
  });
});

describe("a pattern", () => {
  it.each([
    ["", true, "**/*.*"],
    ["", false, "/"],
    ["birds/2024/", true, "birds/2024/**"],
    ["birds/2024/", false, "birds/2024/"],
  ])("of folder %j, with those below: %s, is %j and back", (folder, deep, pattern) => {
    expect(patternOf(folder, deep)).toBe(pattern);
    expect(folderOf(pattern)).toEqual({ folder, deep });
  });
});
