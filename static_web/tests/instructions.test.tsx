import { configure, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

import type { Project } from "@/api/types";
import CanvasStage from "@/features/label/canvas/CanvasStage";
import LabelPage from "@/features/label/LabelPage";

import { aPerson, anItem, aProject, aTask, signedClasses } from "./builders";
import { renderAt } from "./render";

const explained = aProject({
  instructions: { text: "Choose <b>one</b>.", link: "https://example.org/guide" },
  classes: [
    {
      class_id: "c1",
      name: "Indoor/Kitchen",
      description: "With a stove",
      examples: ["a.jpg", "b.jpg"],
      attributes: [],
      colour: 0,
      retired: false,
      merged_into: "",
    },
    {
      class_id: "c2",
      name: "Garden",
      description: "",
      examples: [],
      attributes: [],
      colour: 1,
      retired: false,
      merged_into: "",
    },
  ],
});

const bare = aProject();

function open(project: Project) {
  const returned = { reason: "missed the tail", at: "2026-01-01T00:00:00Z", starts_over: false };
  const items = [anItem("i1"), anItem("i2", { returned })];
  return renderAt("/", <LabelPage projectId="p1" Canvas={CanvasStage} />, {
    "GET /api/me": aPerson(),
    "GET /api/projects/p1": project,
    "GET /api/projects/p1/classes": signedClasses(project),
    "GET /api/projects/p1/tasks": { items: [aTask("t1", items)], recent: [] },
    "POST /api/projects/p1/tasks": { task: null, why: "all_leased", retry_after_s: 15 },
    "PUT /api/projects/p1/tasks/t1/draft": { seq: 1, lease: null },
  });
}

const dialog = () => screen.findByRole("dialog", { name: "Instructions" });

beforeEach(() => localStorage.clear());
// Without a layout the focus trap hides a dialog that opens slowly; tests/e2e looks at it in a browser.
beforeAll(() => configure({ defaultHidden: true }));
afterAll(() => configure({ defaultHidden: false }));

describe("the instructions", () => {
  it("come first, with what each class means and up to three images of it", async () => {
    await open(explained);
    const shown = within(await dialog());
    expect(shown.getByText("Choose <b>one</b>.")).toBeVisible();
    expect(shown.getByRole("link", { name: "Read more" })).toHaveAttribute("rel", "noreferrer");
    expect(shown.getByText("Kitchen")).toBeVisible();
    expect(shown.getByText("Indoor /")).toBeVisible();
    expect(shown.getByText("With a stove")).toBeVisible();
    const image = await shown.findByRole("img", { name: "Example 2 of Indoor/Kitchen" });
    expect(image).toHaveAttribute("src", "https://blobs/b.jpg");
    expect(shown.getAllByRole("img")).toHaveLength(2);
  });

  it("come once, and by their key again without losing anything", async () => {
    await open(explained);
    await userEvent.click(within(await dialog()).getByRole("button", { name: "Start labeling" }));
    // Without animations jsdom may take a dialog that opens while another closes for that one.
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    await waitFor(() => expect(screen.getByRole("option", { name: /Image 1 of 2/ })).toHaveFocus());
    await userEvent.keyboard("[Digit2]");
    await userEvent.keyboard("[KeyI]");
    await dialog();
    await userEvent.keyboard("{Escape}");
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(screen.getByRole("option", { name: /Image 1 of 2.*: Garden/ })).toBeVisible();
  });

  it("come first for descriptions alone", async () => {
    const classes = bare.classes.map((one) => ({ ...one, description: "what it is" }));
    await open({ ...bare, classes });
    expect(within(await dialog()).queryByText(/no instructions/)).toBeNull();
  });

  it("stay away where there is nothing to read", async () => {
    await open(bare);
    await screen.findByRole("option", { name: /Image 1 of 2/ });
    expect(screen.queryByRole("dialog")).toBeNull();
  });
});

it("shows on its tile why an image was returned", async () => {
  await open(bare);
  const tile = await screen.findByRole("option", { name: /Image 2 of 2/ });
  expect(within(tile).getByText("Returned: missed the tail")).toBeVisible();
});
