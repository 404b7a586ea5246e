import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, it } from "vitest";

import LabelPage from "@/features/tasks/LabelPage";

import { anItem, aPerson, aProject, aTask } from "./builders";
import { renderAt, type Answers } from "./render";

const tasks = "/api/projects/p1/tasks";

function answers(change: Answers = {}): Answers {
  return {
    "GET /api/me": aPerson(),
    "GET /api/projects/p1": aProject(),
    [`GET ${tasks}`]: { items: [aTask("t1", [anItem("i1"), anItem("i2")])], recent: [] },
    [`POST ${tasks}`]: { task: null, why: "all_leased", retry_after_s: 15, open_tasks: [] },
    [`PUT ${tasks}/t1/draft`]: { seq: 1, lease: null },
    [`POST ${tasks}/t1/submit`]: { task_state: "closed", results: [] },
    ...change,
  };
}

beforeEach(() => localStorage.clear());

it("labels a page by the keyboard, and says why no other comes", async () => {
  await renderAt("/", <LabelPage projectId="p1" />, answers());
  const first = await screen.findByRole("option", {
    name: /Image 1 of 2, folder\/i1.jpg: No label yet/,
  });
  await waitFor(() => expect(first).toHaveFocus());
  await userEvent.keyboard("[Digit1]");
  expect(screen.getByRole("option", { name: /Image 1 of 2.*: Kitchen/ })).toBeVisible();
  await waitFor(() => expect(screen.getByRole("option", { name: /Image 2 of 2/ })).toHaveFocus());
  await userEvent.keyboard("[Digit2]");
  expect(screen.getByTestId("done")).toHaveTextContent("2 of 2 labeled");
  await userEvent.keyboard("[Enter]");
  expect(
    await screen.findByRole("heading", { name: "The remaining images are with others" }),
  ).toBeVisible();
});

it("finds a class by typing, and comes back to the image", async () => {
  await renderAt("/", <LabelPage projectId="p1" />, answers());
  await screen.findByRole("option", { name: /Image 1 of 2/ });
  await userEvent.keyboard("[Slash]");
  await waitFor(() => expect(screen.getByRole("textbox", { name: "Find a class" })).toHaveFocus());
  await userEvent.keyboard("bed{Enter}");
  expect(screen.getByRole("option", { name: /Image 1 of 2.*: Bedroom/ })).toBeVisible();
  await waitFor(() => expect(screen.getByRole("option", { name: /Image 2 of 2/ })).toHaveFocus());
});

it("labels by the mouse too", async () => {
  await renderAt("/", <LabelPage projectId="p1" />, answers());
  await userEvent.click(await screen.findByRole("option", { name: /Image 2 of 2/ }));
  const rail = screen.getByRole("region", { name: "Classes" });
  await userEvent.click(within(rail).getByRole("button", { name: "Bath" }));
  expect(screen.getByRole("option", { name: /Image 2 of 2.*: Bath/ })).toBeVisible();
  await userEvent.click(screen.getByRole("button", { name: "Submit 1" }));
  expect(screen.getByTestId("done")).toHaveTextContent("0 of 1 labeled");
});

it("says that boxes can't be drawn yet", async () => {
  const project = aProject({ task_type: "boxes" });
  await renderAt("/", <LabelPage projectId="p1" />, answers({ "GET /api/projects/p1": project }));
  expect(await screen.findByText(/tools to draw boxes and polygons come/)).toBeVisible();
});
