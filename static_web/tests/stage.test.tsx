import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, it, vi } from "vitest";

import type { Project, Submission, TaskItem } from "@/api/types";
import { Full, OpenElsewhere, Refused } from "@/features/label/panels/Banners";
import CanvasStage from "@/features/label/canvas/CanvasStage";
import LabelPage from "@/features/label/LabelPage";
import { Saved } from "@/features/label/panels/Saved";
import type { Desk } from "@/features/label/session/desk";
import { Announcer } from "@/ui/announcer";

import { aPerson, aPage, aTag, anItem, aProject, aTask } from "./builders";
import { renderAt, type Answers } from "./render";

const tasks = "/api/projects/p1/tasks";

/** Opens the page, until the keyboard is with the first open image. */
async function open(
  items: TaskItem[],
  project: Partial<Project> = {},
  position = 1,
  more: Answers = {},
) {
  await renderAt(
    "/",
    <>
      <LabelPage projectId="p1" Canvas={CanvasStage} />
      <Announcer />
    </>,
    {
      "GET /api/me": aPerson(),
      "GET /api/projects/p1": aProject(project),
      [`GET ${tasks}`]: { items: [aTask("t1", items)], recent: [] },
      [`POST ${tasks}`]: { task: null, why: "all_leased", retry_after_s: 15, open_tasks: [] },
      [`PUT ${tasks}/t1/draft`]: { seq: 1, lease: null },
      [`POST ${tasks}/t1/submit`]: { task_state: "closed", results: [] },
      ...more,
    },
  );
  await waitFor(() => expect(option(position)).toHaveFocus());
}

/** By its place, which is faster than by its role and name. */
function option(position: number): HTMLElement {
  const tile = document.querySelector<HTMLElement>(`[role=option][aria-posinset="${position}"]`);
  if (!tile) throw new Error(`image ${position} is not shown`);
  return tile;
}
const options = () => [...document.querySelectorAll<HTMLElement>("[role=option]")];
const said = (position: number) => option(position).getAttribute("aria-label");
const heard = () => [...document.querySelectorAll<HTMLElement>("[role=status]")].at(-1);
const three = () => [anItem("i1"), anItem("i2"), anItem("i3")];
const { keyboard } = userEvent;

beforeEach(() => localStorage.clear());

describe("choosing images", () => {
  /** Tiles of 100 px side by side. */
  function laidOut(): void {
    for (const [at, tile] of options().entries())
      tile.getBoundingClientRect = () => new DOMRect(at * 100, 0, 90, 90);
  }
  const selected = () => options().map((tile) => tile.getAttribute("aria-selected") === "true");
  const mouse = { pointerId: 1, isPrimary: true, button: 0, pointerType: "mouse" };

  function drag(from: number, to: number, keys = {}): void {
    fireEvent.pointerDown(option(1), { ...mouse, ...keys, clientX: from, clientY: 50 });
    fireEvent.pointerMove(option(1), { ...mouse, clientX: to, clientY: 50 });
  }
  function release(): void {
    fireEvent.pointerUp(option(1), mouse);
    fireEvent.click(document.querySelector("[role=listbox]") as HTMLElement);
  }

  it("selects what a drag touches, adds with Ctrl, and says how many", async () => {
    await open(three());
    laidOut();
    drag(150, 250);
    release();
    expect(selected()).toEqual([false, true, true]);
    await waitFor(() => expect(heard()).toHaveTextContent("2 images selected."));
    drag(10, 40, { ctrlKey: true });
    release();
    expect(selected()).toEqual([true, true, true]);
    await keyboard("[Digit2]");
    expect([said(1), said(2), said(3)].every((one) => one?.endsWith("Bath"))).toBe(true);
  });

  it("takes a drag back by Esc, and a small one for a click", async () => {
    await open(three());
    laidOut();
    drag(10, 250);
    expect(selected()).toEqual([true, true, true]);
    await keyboard("[Escape]");
    expect(selected()).toEqual([false, false, false]);
    drag(10, 12);
    release();
    expect(selected()).toEqual([false, false, false]);
  });

  it("selects one by the check in its corner", async () => {
    await open(three());
    const check = (position: number) => within(option(position)).getByTestId("select");
    await userEvent.click(check(1));
    await userEvent.click(check(3));
    expect(selected()).toEqual([true, false, true]);
    await userEvent.click(check(1));
    expect(selected()).toEqual([false, false, true]);
  });
});

it("takes one of several tags away by its X", async () => {
  await open(three(), { task_type: "multilabel" });
  await keyboard("[Digit1][Digit3]");
  expect(said(1)).toMatch(/Kitchen, Bedroom$/);
  await userEvent.click(within(option(1)).getAllByTestId("untag")[0] as HTMLElement);
  expect(said(1)).toMatch(/: Bedroom$/);
});

describe("saying why", () => {
  it("offers reasons for a skip, by key, and asks for none", async () => {
    await open(three());
    await keyboard("[KeyS]");
    expect(screen.getByText("Why? (optional)")).toBeVisible();
    await waitFor(() => expect(option(2)).toHaveFocus());
    await keyboard("{Shift>}[Digit2]{/Shift}");
    expect(said(1)).toMatch(/Skipped: Wrong subject$/);
    await keyboard("[KeyS][Digit1]");
    expect(screen.queryByText("Why? (optional)")).not.toBeInTheDocument();
    expect(said(2)).toMatch(/Skipped$/);
    expect(said(3)).toMatch(/Kitchen$/);
  });

  it("takes a reason in the labeler's own words", async () => {
    await open(three());
    await keyboard("[KeyS]{Shift>}[Digit4]{/Shift}");
    const field = await screen.findByRole("textbox", { name: "Another reason (optional)" });
    await waitFor(() => expect(field).toHaveFocus());
    await keyboard("two rooms{Enter}");
    expect(said(1)).toMatch(/Skipped: two rooms$/);
    await waitFor(() => expect(option(2)).toHaveFocus());
  });

  it("asks a reviewer with a note: Enter keeps it, Esc leaves it empty", async () => {
    await open(three());
    await keyboard("[KeyA]");
    expect(screen.getByRole("textbox", { name: /^What should the reviewer/ })).toHaveFocus();
    await keyboard("bath or kitchen?{Enter}");
    expect(said(1)).toMatch(/For a reviewer, bath or kitchen\?$/);
    await waitFor(() => expect(option(2)).toHaveFocus());
    await keyboard("[KeyA]nothing{Escape}");
    expect(said(2)).toMatch(/For a reviewer$/);
    await waitFor(() => expect(option(3)).toHaveFocus());
  });

  it("keeps the keyboard in a question that was opened right after a reason", async () => {
    await open(three());
    await keyboard("[KeyS]{Shift>}[Digit1]{/Shift}");
    await waitFor(() => expect(option(2)).toHaveFocus());
    await keyboard("[KeyS]");
    const user = userEvent.setup({ delay: null });
    await user.keyboard("{Shift>}[Digit1]{/Shift}[KeyA]");
    await new Promise(requestAnimationFrame);
    await user.keyboard("which?{Enter}");
    expect(said(3)).toMatch(/For a reviewer, which\?$/);
  });

  it("keeps the image in large view while the question about it is typed", async () => {
    await open(three());
    await keyboard("[Space][KeyA]");
    expect(options()).toHaveLength(1);
    expect(said(1)).toMatch(/For a reviewer$/);
    await keyboard("bath or kitchen?{Enter}");
    await waitFor(() => expect(option(2)).toHaveFocus());
  });

  it("shows on the image that it was skipped, asked about or has nothing on it", async () => {
    await open(three(), { task_type: "multilabel" });
    const marked = (position: number) => within(option(position)).queryByTestId("mark");
    await keyboard("[Digit1][ArrowRight][KeyS]{Shift>}[Digit1]{/Shift}");
    expect(marked(1)).toBeNull();
    expect(marked(2)).toHaveTextContent("Skipped: Blurred");
    await keyboard("[KeyA]which?{Enter}");
    expect(marked(3)).toHaveTextContent("For a reviewer, which?");
    await waitFor(() => expect(option(3)).toHaveFocus());
    await keyboard("[ArrowLeft][KeyN]");
    expect(marked(2)).toHaveTextContent("Nothing here");
  });

  it("skips the rest of the page by one key", async () => {
    await open(three());
    await keyboard("[Digit1]{Shift>}[KeyS]{/Shift}");
    expect([said(1), said(2), said(3)].map((one) => one?.split(": ")[1])).toEqual([
      "Kitchen",
      "Skipped",
      "Skipped",
    ]);
  });
});

describe("looking closely", () => {
  it("shows one image large, labels it there, and goes back", async () => {
    await open(three());
    await keyboard("[Space]");
    expect(options()).toHaveLength(1);
    await keyboard("[Digit1]");
    expect(said(2)).toMatch(/No label yet$/);
    await keyboard("[Escape]");
    expect(options()).toHaveLength(3);
    expect(said(1)).toMatch(/Kitchen$/);
  });

  it("shows why an image came back, and begins with the labels it had", async () => {
    const returned = { reason: "the door is open", at: "2026-01-01T00:00:00Z", starts_over: false };
    await open([anItem("i1", { returned, defaults: [aTag("c2")] }), anItem("i2")], {}, 2);
    expect(said(1)).toMatch(/Bath\. Returned: the door is open$/);
  });

  it("says that an image is to be labeled again where nobody wrote why", async () => {
    const returned = { reason: "", at: "2026-01-01T00:00:00Z", starts_over: false };
    await open([anItem("i1", { returned, defaults: [aTag("c2")] }), anItem("i2")], {}, 2);
    expect(said(1)).toMatch(/Bath\. Back to be labeled again$/);
  });
});

it("shows suggestions as such, and takes those that were looked at with Enter", async () => {
  const annotations = [
    { annotation_id: "p1", class_id: "c1", confidence: 0.97, geometry: { kind: "tag" } },
  ];
  const prelabel = { run_id: "r1", annotations };
  await open([{ ...anItem("i1"), prelabel } as TaskItem, anItem("i2")]);
  expect(said(1)).toMatch(/Suggested: Kitchen$/);
  expect(option(1)).toHaveTextContent("97%");
  await keyboard("[Enter]");
  expect(said(1)).toMatch(/Suggested: Kitchen$/);
  fireEvent.load(option(1).querySelector("img") as HTMLImageElement);
  await new Promise((passed) => setTimeout(passed, 450));
  await keyboard("[Enter]");
  expect(said(1)).toMatch(/: Kitchen$/);
  expect(screen.getByTestId("done")).toHaveTextContent("1 of 2 labeled");
});

it("counts no suggestion as looked at while a dialog lies over it", async () => {
  const annotations = [
    { annotation_id: "p1", class_id: "c1", confidence: 0.97, geometry: { kind: "tag" } },
  ];
  await open([{ ...anItem("i1"), prelabel: { run_id: "r1", annotations } } as TaskItem]);
  await keyboard("{Shift>}[Slash]{/Shift}");
  fireEvent.load(option(1).querySelector("img") as HTMLImageElement);
  await new Promise((passed) => setTimeout(passed, 450));
  await keyboard("[Escape]");
  await waitFor(() => expect(option(1)).toHaveFocus());
  await keyboard("[Enter]");
  expect(said(1)).toMatch(/Suggested: Kitchen$/);
});

it("fetches an image again that could not be shown, also when the connection is back", async () => {
  await open([anItem("i1")]);
  const image = () => option(1).querySelector("img") as HTMLImageElement;
  const first = image();
  fireEvent.error(first);
  expect(option(1)).toHaveTextContent("This image can't be shown.");
  fireEvent(window, new Event("online"));
  expect(image()).not.toBe(first);
  fireEvent.load(image());
  expect(option(1)).not.toHaveTextContent("This image can't be shown.");
});

it("stops at the beginning of the page while the key for undo is held", async () => {
  let reopened = 0;
  await open(three(), {}, 1, {
    [`POST ${tasks}/t1/reopen`]: () => {
      reopened += 1;
      return Promise.resolve(Response.json({ task: null, why: "none_left", open_tasks: [] }));
    },
  });
  await keyboard("[Digit1]{Control>}[Enter]{/Control}[Digit2]");
  const held = { code: "KeyZ", key: "z", ctrlKey: true };
  fireEvent.keyDown(document.body, held);
  for (const repeat of [true, true]) fireEvent.keyDown(document.body, { ...held, repeat });
  expect(screen.getByTestId("done")).toHaveTextContent("0 of 2 labeled");
  expect(reopened).toBe(0);
  fireEvent.keyDown(document.body, held);
  await waitFor(() => expect(reopened).toBe(1));
});

it("counts down what is left at once", async () => {
  const progress = { states: { available: 9, leased: 3 }, kinds: {}, classes: {} };
  const result = {
    item_id: "i1",
    status: "saved",
    revision: 4,
    by: null,
    why: null,
    problem: null,
  };
  await open(three(), {}, 1, {
    "GET /api/projects/p1/progress": progress,
    [`POST ${tasks}/t1/submit`]: { task_state: "open", results: [result] },
  });
  expect(await screen.findByText(/12 left/)).toBeVisible();
  await keyboard("[Digit1]{Control>}[Enter]{/Control}");
  expect(screen.getByText(/11 left/)).toBeVisible();
});

it("counts as labeled what has labels, and apart from it what was skipped or asked about", async () => {
  await open(three());
  const counted = () => screen.getByTestId("done").parentElement;
  await keyboard("[Digit1]");
  expect(counted()).toHaveTextContent(/^1 of 3 labeled$/);
  await keyboard("[KeyS][KeyA]{Escape}");
  expect(counted()).toHaveTextContent(/^1 of 3 labeled\+ 2$/);
});

it("says of another layout that it is for the pages that come", async () => {
  await open(three());
  const name = "6 images at once, from the next page on";
  expect(screen.getByRole("button", { name })).toBeVisible();
});

it("shows why nothing happened, not only to who listens", async () => {
  await open(three());
  await keyboard("{Control>}[Enter]{/Control}");
  expect(screen.getByTestId("hint")).toHaveTextContent("Nothing is labeled yet.");
  await keyboard("[Digit1]");
  expect(screen.queryByTestId("hint")).toBeNull();
});

describe("one key for all", () => {
  it("labels, submits and shows the next, and says what can be undone", async () => {
    localStorage.setItem("labelry.layout", "1");
    await open(three());
    await userEvent.click(screen.getByRole("button", { name: "Submit with one key" }));
    fireEvent.keyDown(window, { code: "Digit2" }); // at once: it can be taken back for three seconds
    expect(screen.getByTestId("said")).toHaveTextContent("Bath");
    expect(screen.getByTestId("done")).toHaveTextContent("0 of 2 labeled");
    expect(heard()).toHaveTextContent("Bath, saved. Next image.");
  });

  it("is for one class an image, one image at a time", async () => {
    localStorage.setItem("labelry.quick", "on");
    await open(three());
    await keyboard("[Digit2]");
    expect(screen.getByTestId("done")).toHaveTextContent("1 of 3 labeled");
  });
});

describe("the classes", () => {
  const names = [
    "Room/Bath",
    "Room/Kitchen",
    ...Array.from({ length: 12 }, (_, at) => `Thing ${at}`),
  ];
  const classes = names.map((name, at) => ({
    class_id: `c${at + 1}`,
    name,
    description: "",
    examples: [],
    attributes: [],
    colour: at % 24,
    retired: false,
    merged_into: "",
  }));
  const rail = () => within(screen.getByRole("region", { name: "Classes" }));

  it("fold by group, and stay so", async () => {
    await open(three(), { classes });
    await userEvent.click(rail().getByRole("button", { name: "Room" }));
    expect(rail().queryByRole("button", { name: "Room/Bath" })).not.toBeInTheDocument();
    expect(localStorage.getItem("labelry.folded.p1")).toBe('["Room"]');
    await keyboard("[Digit1]");
    expect(said(1)).toMatch(/Room\/Bath$/);
  });

  it("that are retired are not offered, and the keys go to the others", async () => {
    const some = classes.map((one) => ({ ...one, retired: one.name === "Room/Bath" }));
    await open(three(), { classes: some });
    expect(rail().queryByRole("button", { name: "Room/Bath" })).not.toBeInTheDocument();
    await keyboard("[Digit1]");
    expect(said(1)).toMatch(/Room\/Kitchen$/);
  });

  it("without a key are offered again once they were used", async () => {
    await open(three(), { classes });
    await keyboard("[Slash]");
    await keyboard("thing 1{ArrowDown}{ArrowDown}{Enter}");
    expect(said(1)).toMatch(/Thing 11$/);
    const recent = within(rail().getByRole("group", { name: "Used last" }));
    await waitFor(() => expect(option(2)).toHaveFocus());
    await userEvent.click(recent.getByRole("button", { name: "Thing 11" }));
    expect(said(2)).toMatch(/Thing 11$/);
  });

  it("are not drawn all when there are thousands, but found", async () => {
    const lots = Array.from({ length: 2_000 }, (_, at) => ({
      class_id: `c${at}`,
      name: `Kind ${at}`,
      description: "",
      examples: [],
      attributes: [],
      colour: at % 24,
      retired: false,
      merged_into: "",
    }));
    await open(three(), { classes: lots });
    expect(rail().getAllByRole("button").length).toBeLessThan(150);
    expect(rail().getByRole("button", { name: /^1900 more classes/ })).toBeVisible();
    await keyboard("[Slash]");
    await keyboard("1999{Enter}");
    expect(said(1)).toMatch(/Kind 1999$/);
  });
});

describe("what is the matter with a page", () => {
  it("is told with the reason, what is safe and what to do", async () => {
    const page = aPage(three(), {
      problems: { i1: "the class is gone", i2: "the class is gone" },
    });
    let discarded = false;
    await renderAt("/", <Refused page={page} onDiscard={() => (discarded = true)} />, {});
    const card = screen.getByRole("alert");
    expect(card).toHaveTextContent("2 images were not saved");
    expect(card.textContent.match(/the class is gone/g)).toHaveLength(1);
    await userEvent.click(within(card).getByRole("button", { name: "Discard these labels" }));
    expect(discarded).toBe(true);
  });

  it("is told when its time ran out, with what can be done", async () => {
    const page = aPage(three(), { problem: { type: "over" } });
    await renderAt("/", <Refused page={page} onDiscard={() => undefined} />, {});
    expect(screen.getByRole("alert")).toHaveTextContent(/ran out while you were away/);
  });

  it("is told when all of it was refused", async () => {
    const page = aPage(three(), { problem: { type: "refused", why: "it is not yours" } });
    await renderAt("/", <Refused page={page} onDiscard={() => undefined} />, {});
    expect(screen.getByRole("alert")).toHaveTextContent(/3 images were not saved.*it is not yours/);
  });

  it("is not marked as saved while another tab has it", async () => {
    const state = { connection: "online", unsaved: 0, readOnly: true };
    const desk = { subscribe: () => () => undefined, state: () => state, kept: () => true };
    await renderAt("/", <Saved desk={desk as unknown as Desk} />, {});
    expect(screen.getByTestId("saved")).toHaveTextContent("In another tab");
  });

  it("is told when another tab has it, and when no more can wait", async () => {
    let taken = false;
    await renderAt(
      "/",
      <>
        <OpenElsewhere onTakeOver={() => (taken = true)} />
        <Full pages={5} />
      </>,
      {},
    );
    expect(screen.getByText("5 pages are not saved yet")).toBeVisible();
    await userEvent.click(screen.getByRole("button", { name: "Take over" }));
    expect(taken).toBe(true);
  });
});

it("is heard when nothing is left for now", async () => {
  await open([anItem("i1")]);
  await keyboard("[Digit1][Enter]");
  await waitFor(() =>
    expect(heard()).toHaveTextContent(/^The remaining images are with others\. As soon as/),
  );
});

describe("files of several frames", () => {
  const links = (url: string) => ({
    thumbnail: url,
    medium: url,
    preview: url,
    full: url,
    expire_at: "2100-01-01T00:00:00Z",
  });
  const scan = (change: Partial<TaskItem> = {}) =>
    anItem("i1", { path: "scan.dcm", media: "dicom", frames: 3, ...change });
  const shown = (position: number) => option(position).querySelector("img")?.getAttribute("src");
  /** Signs links as the API does; of a frame, those of this frame. */
  const signing =
    (images: Record<string, ReturnType<typeof links>>) =>
    async (request: Request): Promise<Response> => {
      const { item_ids: ids, frame } = (await request.json()) as {
        item_ids: string[];
        frame: number | null;
      };
      if (frame === null) return Response.json({ images, frames: {} });
      const view = { frame, url: `frame-${frame}`, values: null, facts: null, problem: null };
      return Response.json({ images: {}, frames: Object.fromEntries(ids.map((id) => [id, view])) });
    };

  it("tells how many there are, and goes through them by keys, wheel and slider", async () => {
    await open([scan(), anItem("i2")], {}, 1, {
      "POST /api/projects/p1/images": signing({ i1: links("p") }),
    });
    expect(said(1)).toContain("Frame 1 of 3");
    expect(screen.getByTestId("frames")).toHaveTextContent("1 / 3");
    expect(screen.getByText(/Not a medical device/)).toBeVisible();

    fireEvent.keyDown(option(1), { code: "Quote", key: "'" });
    await waitFor(() => expect(shown(1)).toBe("frame-1"));
    fireEvent.wheel(option(1).querySelector("img") ?? option(1), { deltaY: 100 });
    await waitFor(() => expect(shown(1)).toBe("frame-2"));
    expect(said(1)).toContain("Frame 3 of 3");
    fireEvent.keyDown(option(1), { code: "Quote", key: "'" });
    expect(said(1)).toContain("Frame 3 of 3");
    fireEvent.change(screen.getByRole("slider", { name: "Frame" }), { target: { value: "1" } });
    await waitFor(() => expect(shown(1)).toBe("p"));
  });

  it("are looked at through another window by a drag and by keys, where one image fills the page", async () => {
    const whole = { center: 500, width: 1000, function: "linear" };
    const grey = {
      ...{ type: "uint16", low: 0, high: 1000, slope: 1, intercept: 0, unit: "" },
      ...{ windows: [whole], inverted: false, padding: null },
    };
    const facts = { width: 64, height: 64, grey, notes: [] };
    const view = { frame: 0, url: "frame-0", values: "values-0", facts, problem: null };
    await open([scan(), anItem("i2")], {}, 1, {
      "POST /api/projects/p1/images": { images: {}, frames: { i1: view } },
    });
    await keyboard("[KeyW]");
    expect(screen.queryByTestId("window-drag")).not.toBeInTheDocument();

    await userEvent.dblClick(option(1));
    const chosen = () => screen.getByTestId<HTMLSelectElement>("window").selectedOptions[0]?.text;
    await waitFor(() => expect(chosen()).toBe("File 1: 500 / 1,000"));
    await keyboard("[KeyW]");
    const area = await screen.findByTestId("window-drag");
    Object.defineProperties(area, { clientWidth: { value: 100 }, clientHeight: { value: 100 } });
    area.setPointerCapture = () => undefined;
    fireEvent.pointerDown(area, { pointerId: 1, clientX: 50, clientY: 50 });
    fireEvent.pointerMove(area, { pointerId: 1, clientX: 60, clientY: 30 });
    fireEvent.pointerUp(area, { pointerId: 1 });
    expect(chosen()).toBe("Own: 300 / 1,100");

    const invert = screen.getByText("Invert").closest("button");
    await keyboard("{Shift>}[KeyW]{/Shift}");
    expect(invert).toHaveAttribute("aria-pressed", "true");
    await keyboard("{Shift>}[KeyR]{/Shift}");
    expect(invert).toHaveAttribute("aria-pressed", "false");
    expect(chosen()).toBe("File 1: 500 / 1,000");

    await keyboard("[Escape]");
    expect(screen.queryByTestId("window-drag")).not.toBeInTheDocument();
    expect(options()).toHaveLength(1);
    await keyboard("[Escape]");
    expect(options()).toHaveLength(2);
  });

  it("asks for the first frame where no copy of the file was made yet", async () => {
    await open([scan({ images: links("") }), anItem("i2")], {}, 1, {
      "POST /api/projects/p1/images": signing({ i1: links("") }),
    });

    await waitFor(() => expect(shown(1)).toBe("frame-0"));
  });
});

describe("what a class asks for", () => {
  const mood = { name: "mood", kind: "choice", required: true, choices: ["calm", "wild"] } as const;
  const note = { name: "note", kind: "text", required: false, choices: [] } as const;
  const classes = ["Owl", "Wren"].map((name, at) => ({
    class_id: `c${at + 1}`,
    name,
    description: "",
    examples: [],
    attributes: at
      ? []
      : [
          { ...mood, choices: [...mood.choices] },
          { ...note, choices: [] },
        ],
    colour: at,
    retired: false,
    merged_into: "",
  }));
  const field = (name: string) => screen.getByLabelText(new RegExp(`^${name}`));

  it("is said, and sent", async () => {
    const sent = vi.fn<(request: Request) => Promise<Response>>(() =>
      Promise.resolve(Response.json({ task_state: "closed", results: [] })),
    );
    await open([anItem("i1")], { classes }, 1, { [`POST ${tasks}/t1/submit`]: sent });
    await keyboard("[Digit1]");
    await waitFor(() => expect(field("mood")).toHaveFocus());
    await userEvent.selectOptions(field("mood"), "wild");
    await userEvent.type(field("note"), "at night{Enter}{Escape}");
    await waitFor(() => expect(option(1)).toHaveFocus());
    await keyboard("{Enter}");
    await waitFor(() => expect(sent).toHaveBeenCalled());
    const body = (await sent.mock.calls[0]?.[0].json()) as Submission;
    expect(body.items[0]?.annotations[0]?.attributes).toEqual({ mood: "wild", note: "at night" });
  });

  it("is asked for where it is required, before the page is sent", async () => {
    await open([anItem("i1"), anItem("i2")], { classes });
    await keyboard("[Digit1]");
    await waitFor(() => expect(field("mood")).toHaveFocus());
    await keyboard("{Escape}{ArrowRight}[Digit2]");
    await keyboard("{Control>}{Enter}{/Control}");
    expect(await screen.findByText("Say mood of Owl first.")).toBeVisible();
    await waitFor(() => expect(field("mood")).toHaveFocus());
    expect(screen.getByTestId("done")).toHaveTextContent("2 of 2 labeled");
  });

  it("is not there for other classes, and a key says so", async () => {
    await open(three(), { classes });
    await keyboard("[Digit2]");
    await keyboard("[KeyY]");
    expect(await screen.findByText("Nothing in hand has attributes.")).toBeVisible();
  });
});
