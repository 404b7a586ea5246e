import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";

import type { Project } from "@/api/types";
import { ClassesPanel } from "@/features/projects/ClassesPanel";

import { aProject, signedClasses } from "./builders";
import { renderAt, type Answers } from "./render";

const project = aProject({ my_role: "admin", classes_version: 4 });
const path = "/api/projects/p1/classes";

function images(...paths: string[]) {
  const items = paths.map((one) => ({
    item_id: one,
    path: one,
    images: { thumbnail: `https://blobs/${one}`, medium: "", preview: "", full: "", expire_at: "" },
  }));
  return { items, next_cursor: null };
}

function changed(change: Partial<Project["classes"][number]>, version = 5): Project {
  const [first, ...others] = project.classes;
  const classes = first ? [{ ...first, ...change }, ...others] : others;
  return { ...project, classes, classes_version: version };
}

function open(more: Answers = {}, shown = project) {
  return renderAt("/", <ClassesPanel project={shown} progress={undefined} />, {
    "GET /api/projects/p1": shown,
    [`GET ${path}`]: signedClasses(shown),
    "GET /api/projects/p1/sweeps": { items: [] },
    "GET /api/projects/p1/items": images("a.jpg", "b.jpg", "c.jpg", "d.jpg"),
    ...more,
  });
}

/** Answers with the given replies, one after the other. */
const replies = (...all: Response[]) =>
  vi.fn<(request: Request) => Promise<Response>>(() =>
    Promise.resolve(all.shift() ?? Response.error()),
  );

async function edit() {
  await userEvent.click(await screen.findByRole("button", { name: "Edit Kitchen" }));
  return within(await screen.findByRole("dialog", { name: "Edit Kitchen" }));
}

describe("a class", () => {
  it("gets a description and images chosen by sight, three at most", async () => {
    const saved = changed({ description: "With a stove", examples: ["b.jpg", "a.jpg"] });
    const patch = replies(Response.json(signedClasses(saved)));
    await open({ [`PATCH ${path}/c1`]: patch });
    const dialog = await edit();
    await userEvent.type(dialog.getByRole("textbox", { name: "Description" }), "With a stove");
    const choice = within(dialog.getByRole("group", { name: "Images of the project" }));
    for (const one of ["b.jpg", "a.jpg", "c.jpg"])
      await userEvent.click(await choice.findByRole("button", { name: one }));
    expect(choice.getByRole("button", { name: "d.jpg" })).toBeDisabled();
    await userEvent.click(dialog.getByRole("button", { name: "Remove c.jpg" }));
    await userEvent.click(dialog.getByRole("button", { name: "Save" }));
    await vi.waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    const request = patch.mock.calls[0]?.[0];
    expect(request?.headers.get("If-Match")).toBe('"4"');
    expect(await request?.json()).toEqual({
      name: null,
      description: "With a stove",
      examples: ["b.jpg", "a.jpg"],
      attributes: null,
      position: null,
      colour: null,
      retired: null,
    });
  });

  it("is moved in the list", async () => {
    const patch = replies(Response.json(signedClasses(project)));
    await open({ [`PATCH ${path}/c1`]: patch });
    const dialog = await edit();
    const place = dialog.getByRole("combobox", { name: "Place in the list" });
    expect(place).toHaveValue("1");
    await userEvent.selectOptions(place, "3");
    await userEvent.click(dialog.getByRole("button", { name: "Save" }));
    await vi.waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(await patch.mock.calls[0]?.[0].json()).toMatchObject({ name: null, position: 3 });
  });

  it("is retired, and gets another's colour in exchange for its own", async () => {
    const patch = replies(Response.json(signedClasses(project)));
    await open({ [`PATCH ${path}/c1`]: patch });
    const dialog = await edit();
    await userEvent.click(dialog.getByRole("switch", { name: "Offered to labelers" }));
    await userEvent.click(dialog.getByRole("radio", { name: "Colour 3, of Bedroom now" }));
    expect(dialog.getByText("Bedroom has this colour now: the two are exchanged.")).toBeVisible();
    await userEvent.click(dialog.getByRole("button", { name: "Save" }));
    await vi.waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    const sent = (await patch.mock.calls[0]?.[0].json()) as object;
    expect(sent).toMatchObject({ colour: 2, retired: true, name: null });
  });

  it("becomes another, with all of its labels", async () => {
    const post = replies(Response.json(signedClasses(project)));
    await open({ [`POST ${path}/c1/merge`]: post });
    const dialog = await edit();
    const into = dialog.getByRole("combobox", { name: "Merge into another class" });
    await userEvent.selectOptions(into, "Bath");
    await userEvent.click(dialog.getByRole("button", { name: "Merge into Bath" }));
    await vi.waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(post.mock.calls[0]?.[0].headers.get("If-Match")).toBe('"4"');
    expect(await post.mock.calls[0]?.[0].json()).toEqual({ into: "c2" });
  });

  it("that becomes another says how far that is, and is not in the list", async () => {
    const classes = project.classes.map((one, at) => (at ? one : { ...one, merged_into: "c2" }));
    const sweep = { sweep_id: "s", what: "merge", class_id: "c1", into: "c2", by: "u1" };
    const counts = { items: 90, looked: 30, done: 4, left: {}, problem: "", finished_at: null };
    const sweeps = [{ ...sweep, ...counts, created_at: "2026-11-20T09:00:00Z" }];
    await open({ "GET /api/projects/p1/sweeps": { items: sweeps } }, { ...project, classes });
    const said = "Kitchen becomes Bath: 30 of 90 images looked at, 4 changed.";
    expect(await screen.findByText(said)).toBeVisible();
    expect(screen.queryByRole("button", { name: "Edit Kitchen" })).toBeNull();
  });

  it("that is retired says so", async () => {
    await open({}, changed({ retired: true }));
    expect(await screen.findByText("Retired")).toBeVisible();
  });

  it("gets an image by its path, and is told when there is none", async () => {
    const found = replies(
      Response.json(images()),
      Response.json(images()),
      Response.json(images("deep/x.jpg")),
    );
    await open({ "GET /api/projects/p1/items": found });
    const dialog = await edit();
    const typed = dialog.getByRole("textbox", { name: "Or an image by its path" });
    await userEvent.type(typed, "y.jpg{Enter}");
    expect(await dialog.findByText("No image of this project is called y.jpg")).toBeVisible();
    await userEvent.clear(typed);
    await userEvent.type(typed, "deep/x.jpg{Enter}");
    expect(await dialog.findByRole("img", { name: "deep/x.jpg" })).toBeVisible();
  });

  it("that somebody else changed meanwhile keeps both changes", async () => {
    const theirs = changed({ name: "Cooking" });
    const lists = replies(
      Response.json(signedClasses(project)),
      Response.json(signedClasses(theirs)),
    );
    const patch = replies(
      Response.json({ detail: "somebody changed the classes" }, { status: 412 }),
      Response.json(signedClasses(changed({ name: "Cooking", description: "Hot" }, 6))),
    );
    await open({ [`GET ${path}`]: lists, [`PATCH ${path}/c1`]: patch });
    const dialog = await edit();
    await userEvent.type(dialog.getByRole("textbox", { name: "Description" }), "Hot");
    await userEvent.click(dialog.getByRole("button", { name: "Save" }));
    expect(await screen.findByText(/Somebody changed the classes meanwhile/)).toBeVisible();
    expect(screen.getByRole("textbox", { name: "Name" })).toHaveValue("Cooking");
    expect(screen.getByRole("textbox", { name: "Description" })).toHaveValue("Hot");
    await userEvent.click(screen.getByRole("button", { name: "Save" }));
    await vi.waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    const request = patch.mock.calls[1]?.[0];
    expect(request?.headers.get("If-Match")).toBe('"5"');
    expect(await request?.json()).toEqual({
      name: null,
      description: "Hot",
      examples: null,
      attributes: null,
      position: null,
      colour: null,
      retired: null,
    });
  });

  it("is told where it is wrong", async () => {
    const errors = [{ pointer: "/name", code: "duplicate", detail: "this class exists" }];
    const patch = replies(Response.json({ detail: "no", errors }, { status: 422 }));
    await open({ [`PATCH ${path}/c1`]: patch });
    const dialog = await edit();
    await userEvent.type(dialog.getByRole("textbox", { name: "Name" }), "Bath");
    await userEvent.click(dialog.getByRole("button", { name: "Save" }));
    expect(await dialog.findByText("this class exists")).toBeVisible();
  });
});

it("adds classes, one a line", async () => {
  const post = replies(Response.json(signedClasses(project)));
  await open({ [`POST ${path}`]: post });
  await userEvent.click(screen.getByRole("button", { name: "Add classes" }));
  const dialog = within(await screen.findByRole("dialog", { name: "Add classes" }));
  await userEvent.type(dialog.getByRole("textbox"), "Attic{Enter}Outdoor/Garden");
  await userEvent.click(dialog.getByRole("button", { name: "Add classes" }));
  await vi.waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  const body = (await post.mock.calls[0]?.[0].json()) as { classes: { name: string }[] };
  expect(body.classes.map((one) => one.name)).toEqual(["Attic", "Outdoor/Garden"]);
});

it("is not changed by those who only look", async () => {
  await open({}, { ...project, my_role: "reviewer" });
  expect(await screen.findByText("Kitchen")).toBeVisible();
  expect(screen.queryByRole("button")).toBeNull();
});
