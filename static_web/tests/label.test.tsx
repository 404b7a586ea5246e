import { cleanup, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, it, vi } from "vitest";

import type { Annotation, Outcome } from "@/api/types";
import CanvasStage from "@/features/label/canvas/CanvasStage";
import LabelPage from "@/features/label/LabelPage";

import { anItem, aPerson, aProject, aTag, aTask } from "./builders";
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
  await renderAt("/", <LabelPage projectId="p1" Canvas={CanvasStage} />, answers());
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
  await renderAt("/", <LabelPage projectId="p1" Canvas={CanvasStage} />, answers());
  await screen.findByRole("option", { name: /Image 1 of 2/ });
  await userEvent.keyboard("[Slash]");
  await waitFor(() => expect(screen.getByRole("textbox", { name: "Find a class" })).toHaveFocus());
  await userEvent.keyboard("bed{Enter}");
  expect(screen.getByRole("option", { name: /Image 1 of 2.*: Bedroom/ })).toBeVisible();
  await waitFor(() => expect(screen.getByRole("option", { name: /Image 2 of 2/ })).toHaveFocus());
});

it("names the page and its project in the tab of the browser", async () => {
  await renderAt("/", <LabelPage projectId="p1" Canvas={CanvasStage} />, answers());
  await waitFor(() => expect(document.title).toBe("Labeling · Rooms · Labelry"));
});

it("labels by the mouse too", async () => {
  await renderAt("/", <LabelPage projectId="p1" Canvas={CanvasStage} />, answers());
  await userEvent.click(await screen.findByRole("option", { name: /Image 2 of 2/ }));
  const rail = screen.getByRole("region", { name: "Classes" });
  await userEvent.click(within(rail).getByRole("button", { name: "Bath" }));
  expect(screen.getByRole("option", { name: /Image 2 of 2.*: Bath/ })).toBeVisible();
  await userEvent.click(screen.getByRole("button", { name: "Submit 1" }));
  expect(screen.getByTestId("done")).toHaveTextContent("0 of 1 labeled");
});

it("draws where boxes are asked for", async () => {
  const project = aProject({ task_type: "boxes" });
  await renderAt(
    "/",
    <LabelPage projectId="p1" Canvas={CanvasStage} />,
    answers({ "GET /api/projects/p1": project }),
  );
  expect(await screen.findByRole("application", { name: /Image 1 of 2/ })).toBeVisible();
});

it.each([
  ["missed the tail", "Returned: missed the tail"],
  ["", "Back to be labeled again"],
])("says why an image to draw on was returned: %s", async (reason, said) => {
  const item = anItem("i1", {
    returned: { reason, at: "2026-01-01T00:00:00Z", starts_over: false },
  });
  await renderAt(
    "/",
    <LabelPage projectId="p1" Canvas={CanvasStage} />,
    answers({
      "GET /api/projects/p1": aProject({ task_type: "polygons" }),
      [`GET ${tasks}`]: { items: [aTask("t1", [item])], recent: [] },
    }),
  );
  expect(await screen.findByRole("alert")).toHaveTextContent(said);
});

it.each(["multiclass", "boxes"] as const)("says that a page is a correction: %s", async (type) => {
  const item = anItem("i1", { outcome: "labeled", annotations: [] });
  await renderAt(
    "/",
    <LabelPage projectId="p1" Canvas={CanvasStage} />,
    answers({
      "GET /api/projects/p1": aProject({ task_type: type }),
      [`GET ${tasks}`]: { items: [aTask("t1", [item], { kind: "correction" })], recent: [] },
    }),
  );
  expect(await screen.findByText(/correcting what was submitted before/)).toBeVisible();
});

it("shows why an image to draw on is not submitted", async () => {
  await renderAt(
    "/",
    <LabelPage projectId="p1" Canvas={CanvasStage} />,
    answers({ "GET /api/projects/p1": aProject({ task_type: "boxes" }) }),
  );
  await waitFor(() => expect(screen.getByRole("application")).toHaveFocus());
  await userEvent.keyboard("{Control>}[Enter]{/Control}");
  expect(screen.getByTestId("hint")).toHaveTextContent("Nothing is labeled yet.");
});

describe("the tools of polygons", () => {
  const triangle = (annotationId: string, x0: number): Annotation => ({
    ...aTag("c1"),
    annotation_id: annotationId,
    geometry: {
      kind: "polygon",
      parts: [
        {
          outer: [
            [x0, 0.1],
            [x0 + 0.2, 0.1],
            [x0, 0.4],
          ],
          holes: [],
        },
      ],
    },
  });
  async function open(): Promise<void> {
    const annotations = [triangle("a1", 0.1), triangle("a2", 0.5)];
    await renderAt(
      "/",
      <LabelPage projectId="p1" Canvas={CanvasStage} />,
      answers({
        "GET /api/projects/p1": aProject({ task_type: "polygons" }),
        [`GET ${tasks}`]: {
          items: [
            aTask("t1", [anItem("i1", { outcome: "labeled", annotations })]),
            aTask("t2", [anItem("i2")]),
          ],
          recent: [],
        },
      }),
    );
    await waitFor(() => expect(document.querySelector("[data-shape=a2]")).not.toBeNull());
  }
  const offered = () =>
    within(screen.getByRole("toolbar"))
      .getAllByRole("button")
      .map((one) => one.getAttribute("aria-label"));
  const always = ["Select and move", "Polygon", "Draw by hand"];
  const changing = [
    "Edit points",
    "Add to the polygon",
    "Cut from the polygon",
    "Split the polygon",
  ];
  const view = ["Rotate left", "Rotate right", "How the image looks"];

  it("are those that mean something just now", async () => {
    await open();
    expect(offered()).toEqual([...always, ...changing, "Lock or unlock", ...view]);
    await userEvent.click(document.querySelector("[data-shape=a1]") as HTMLElement);
    expect(offered()).toContain("Fewer points");
    expect(offered()).not.toContain("Merge polygons");
    await userEvent.keyboard("{Control>}[KeyA]{/Control}");
    expect(offered()).toContain("Merge polygons");
  });

  it("keep what was begun over a reload, and no longer than it is being drawn", async () => {
    vi.spyOn(HTMLElement.prototype, "clientWidth", "get").mockReturnValue(800);
    vi.spyOn(HTMLElement.prototype, "clientHeight", "get").mockReturnValue(600);
    const drawn = () => document.querySelectorAll("[data-shape]").length;
    await open();
    await userEvent.keyboard("[KeyP][ArrowLeft][Enter]{Shift>}[ArrowRight]{/Shift}[Enter]");
    cleanup();
    await open();
    expect(screen.getByRole("button", { name: "Polygon" })).toBePressed();
    await userEvent.keyboard("{Shift>}[ArrowDown]{/Shift}[Enter][Enter]");
    await waitFor(() => expect(drawn()).toBe(3));
    cleanup();
    await open();
    await userEvent.keyboard("[Enter]"); // nothing is begun that it could close: it submits
    await waitFor(() => expect(drawn()).toBe(0));
  });

  it("that change a shape are put away on the next image without any", async () => {
    await open();
    await userEvent.keyboard("[KeyX]");
    expect(screen.getByRole("button", { name: "Cut from the polygon" })).toBePressed();
    await userEvent.keyboard("{Control>}[Enter]{/Control}");
    await waitFor(() => expect(document.querySelector("[data-shape]")).toBeNull());
    expect(offered()).toEqual([...always, ...view]);
    expect(screen.getByRole("button", { name: "Polygon" })).toBePressed();
  });
});

describe("beside the image", () => {
  const drawn = (annotationId: string, x0: number): Annotation => ({
    ...aTag("c1"),
    annotation_id: annotationId,
    geometry: { kind: "box", x0, y0: 0.25, x1: x0 + 0.5, y1: 0.5 },
  });
  async function open(outcome: Outcome, images = 1): Promise<void> {
    const annotations = [drawn("a1", 0.1), drawn("a2", 0.2)];
    const items = ["i1", "i2"].map((id) => anItem(id, { outcome, annotations }));
    await renderAt(
      "/",
      <LabelPage projectId="p1" Canvas={CanvasStage} />,
      answers({
        "GET /api/projects/p1": aProject({ task_type: "boxes" }),
        [`GET ${tasks}`]: {
          items: [aTask("t1", items.slice(0, images))],
          recent: [],
        },
      }),
    );
  }

  /** By its id, which is faster than by its role and name. */
  const second = () =>
    waitFor(() => {
      const button = document.querySelector<HTMLElement>("[data-shape=a2]");
      if (!button) throw new Error("the second shape is not listed");
      return button;
    });

  it("says where each shape lies and how large it is", async () => {
    await open("labeled");
    expect(await second()).toHaveAccessibleDescription("800 by 300 pixels at 320, 300");
  });

  it("says that an image is asked about, also while a shape is in hand", async () => {
    await open("needs_review");
    await userEvent.click(await second());
    const status = screen.getByTestId("status");
    expect(status).toHaveTextContent("For a reviewer, Box 2 of 2, Kitchen");
    await userEvent.keyboard("[Escape]");
    expect(status).toHaveTextContent(/^For a reviewer$/);
  });

  it("locks shapes on the image that is shown, not those of the same name on another", async () => {
    await open("labeled", 2);
    await second();
    await userEvent.keyboard("[KeyL]");
    expect(await second()).toHaveTextContent("locked");
    await userEvent.keyboard("[PageDown]");
    expect(await second()).not.toHaveTextContent("locked");
  });

  it("tells how near the view is on every image", async () => {
    vi.spyOn(HTMLElement.prototype, "clientWidth", "get").mockReturnValue(800);
    vi.spyOn(HTMLElement.prototype, "clientHeight", "get").mockReturnValue(600);
    await open("labeled", 2);
    await second();
    const zoom = screen.getByTestId("zoom");
    await waitFor(() => expect(zoom).toHaveTextContent("47%"));
    // Left while the number was still to follow.
    await userEvent.keyboard("[Equal][PageDown]");
    await waitFor(() => expect(zoom).toHaveTextContent("47%"));
    await userEvent.keyboard("[Equal]");
    await waitFor(() => expect(zoom).toHaveTextContent("71%"));
  });

  it("leaves a shape where it is when an arrow comes to the end of the list", async () => {
    await open("labeled");
    await userEvent.keyboard("[KeyM]");
    await userEvent.click(await second());
    await userEvent.keyboard("[ArrowDown][ArrowDown]");
    expect(await second()).toHaveAccessibleDescription("800 by 300 pixels at 320, 300");
  });

  it("shows on the image what no shape tells of it", async () => {
    await open("labeled");
    await second();
    expect(screen.queryByTestId("mark")).toBeNull();
    await userEvent.keyboard("[KeyS]");
    expect(screen.getByTestId("mark")).toHaveTextContent("Skipped");
    await userEvent.keyboard("[KeyN]");
    expect(screen.getByTestId("mark")).toHaveTextContent("Nothing here");
  });

  it("deletes a selected shape by Backspace too, and Undo brings it back", async () => {
    await open("labeled");
    await userEvent.keyboard("[KeyM]");
    await userEvent.click(await second());
    await userEvent.keyboard("[Backspace]");
    await waitFor(() => expect(document.querySelector("[data-shape=a2]")).toBeNull());
    expect(document.querySelector("[data-shape=a1]")).not.toBeNull();
    await userEvent.keyboard("{Control>}[KeyZ]{/Control}");
    expect(await second()).toBeVisible();
  });

  it("takes a class for what was just drawn, and for the next shape once a tool was taken or Esc pressed", async () => {
    vi.spyOn(HTMLElement.prototype, "clientWidth", "get").mockReturnValue(800);
    vi.spyOn(HTMLElement.prototype, "clientHeight", "get").mockReturnValue(600);
    await open("labeled");
    const listed = () =>
      [...document.querySelectorAll("[data-shape]")].map((one) => one.textContent);
    await second();
    await userEvent.keyboard("[KeyR][ArrowLeft][Enter][ArrowRight][ArrowDown][Enter]");
    expect(listed()).toEqual(["1Kitchen", "2Kitchen", "3Kitchen"]);
    await userEvent.keyboard("[Digit2]");
    expect(listed()).toEqual(["1Kitchen", "2Kitchen", "3Bath"]);
    expect(screen.getByTestId("hint")).toHaveTextContent("The shape drawn last is Bath now.");
    await userEvent.keyboard("[KeyE][Digit3]");
    expect(listed()).toEqual(["1Kitchen", "2Kitchen", "3Bath"]);
    await userEvent.keyboard("[KeyM][Digit3][Escape][Digit1]");
    expect(listed()).toEqual(["1Kitchen", "2Kitchen", "3Bedroom"]);
  });
});
