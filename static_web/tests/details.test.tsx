import { cleanup, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";

import { AssistSettings } from "@/features/assist/AssistSettings";
import { DeletedProject } from "@/features/details/DeletedProject";
import { DetailsPage } from "@/features/details/DetailsPage";

import { aDataset, aPerson, aProgress, aProject } from "./builders";
import { renderAt, type Answers } from "./render";

const project = aProject({ project_id: "p1", name: "Birds", version: 4, my_role: "admin" });
const path = "/api/projects/p1";
const refresh = {
  refresh_id: "r1",
  state: "done",
  problem: "",
  started_at: "2026-11-20T09:00:00Z",
  finished_at: "2026-11-20T09:00:20Z",
  images: 1200,
  new: 7,
  changed: 2,
  missing: 1,
  skipped: {},
};

function open(more: Answers = {}, shown = project) {
  return renderAt(
    "/",
    <DetailsPage project={shown} classes={null} assist={null} imports={null} />,
    {
      "GET /api/me": aPerson({ site_admin: true }),
      "GET /api/datasets/d1": aDataset(),
      [`GET ${path}`]: shown,
      [`GET ${path}/progress`]: aProgress({ refresh }),
      [`GET ${path}/containers`]: {
        images: { account: "lab", container: "photos", portal: "https://portal.azure.com/#x" },
        exports: { account: "lab", container: "exports", portal: "" },
      },
      [`GET ${path}/webhook`]: () => Promise.resolve(new Response("{}", { status: 404 })),
      ...more,
    },
  );
}

/** Answers requests in turn, the last answer again and again, and keeps what was sent. */
function inTurn(...answers: Response[]) {
  const sent: { version: string | null; body: unknown }[] = [];
  const reply = async (request: Request) => {
    const body: unknown = request.body ? await request.json() : null;
    sent.push({ version: request.headers.get("If-Match"), body });
    return (answers.length > 1 ? answers.shift() : answers[0])?.clone() ?? Response.error();
  };
  return { sent, reply };
}

const changedMeanwhile = () =>
  Response.json({ type: "precondition-failed", detail: "changed" }, { status: 412 });

describe("instructions", () => {
  it("are edited in place", async () => {
    const { sent, reply } = inTurn(Response.json(project));
    await open({ [`PATCH ${path}`]: reply });
    await userEvent.click(await screen.findByRole("button", { name: "Edit" }));
    const field = screen.getByRole("textbox", { name: "What labelers read first" });
    await userEvent.clear(field);
    await userEvent.type(field, "Tails too.");
    await userEvent.click(screen.getByRole("button", { name: "Save" }));
    await vi.waitFor(() => expect(screen.queryByRole("textbox", { name: /first/ })).toBeNull());
    expect(sent).toEqual([
      {
        version: '"4"',
        body: {
          instructions: { text: "Tails too.", link: project.instructions.link },
          incremental_refresh: null,
          assist: null,
          overlap: null,
          twins: null,
          honeypots: null,
          assignments: null,
          team: null,
          topics: null,
        },
      },
    ]);
  });

  it("of somebody else are shown before they are replaced", async () => {
    const theirs = { ...project, version: 5, instructions: { text: "Theirs.", link: "" } };
    const { sent, reply } = inTurn(changedMeanwhile(), Response.json(theirs));
    await open({ [`PATCH ${path}`]: reply, [`GET ${path}`]: theirs });
    await userEvent.click(await screen.findByRole("button", { name: "Edit" }));
    const field = screen.getByRole("textbox", { name: "What labelers read first" });
    await userEvent.type(field, " Mine.");
    await userEvent.click(screen.getByRole("button", { name: "Save" }));
    expect(await screen.findByText(/Theirs\./)).toBeVisible();
    expect(sent).toHaveLength(1);
    await userEvent.click(screen.getByRole("button", { name: "Save" }));
    await vi.waitFor(() => expect(sent).toHaveLength(2));
    expect(sent[1]?.version).toBe('"5"');
  });
});

describe("team and topics", () => {
  it("are changed by an admin", async () => {
    const { sent, reply } = inTurn(Response.json(project));
    await open({ [`PATCH ${path}`]: reply }, { ...project, topics: ["owls"] });
    await userEvent.click(await screen.findByRole("button", { name: "Edit team and topics" }));
    await userEvent.type(screen.getByRole("textbox", { name: "Team" }), "Field work");
    await userEvent.type(screen.getByRole("textbox", { name: "Topics" }), ", night, ");
    await userEvent.click(screen.getByRole("button", { name: "Save" }));
    await vi.waitFor(() => expect(sent).toHaveLength(1));
    expect(sent[0]?.body).toMatchObject({ team: "Field work", topics: ["owls", "night"] });
  });

  it("are read by others, where there are any", async () => {
    const seen = { ...project, my_role: "labeler" as const, source: null };
    await open({}, { ...seen, team: "Field work" });
    expect(await screen.findByText("Field work")).toBeVisible();
    expect(screen.queryByRole("button", { name: /team/ })).toBeNull();
    cleanup();
    await open({}, seen);
    expect(await screen.findByText("Instructions")).toBeVisible();
    expect(screen.queryByText("Team and topics")).toBeNull();
  });
});

describe("instructions that are refused", () => {
  const refused = (pointer: string, detail: string) =>
    Response.json(
      { type: "invalid", detail, errors: [{ pointer, code: "value-error", detail }] },
      { status: 422 },
    );

  it("say at the link that it is none, and else below", async () => {
    const { reply } = inTurn(
      refused("/instructions/link", "must start with http"),
      refused("/instructions/text", "too long for me"),
    );
    await open({ [`PATCH ${path}`]: reply });
    await userEvent.click(await screen.findByRole("button", { name: "Edit" }));
    const link = screen.getByRole("textbox", { name: "Link to more" });
    await userEvent.type(link, "example.org");
    await userEvent.click(screen.getByRole("button", { name: "Save" }));
    await vi.waitFor(() => expect(link).toHaveAccessibleDescription(/begins with https/));
    expect(screen.queryByText(/must start with/)).toBeNull();
    await userEvent.click(screen.getByRole("button", { name: "Save" }));
    expect(await screen.findByText(/too long for me/)).toBeVisible();
    expect(link).not.toHaveAccessibleDescription();
  });
});

describe("refreshing", () => {
  it("tells what the last one found, and starts another", async () => {
    const { sent, reply } = inTurn(Response.json({ refresh }, { status: 202 }));
    await open({ [`POST ${path}/refresh`]: reply });
    expect(await screen.findByTestId("last-refresh")).toHaveTextContent(
      /1,200 images there; 7 new, 2 replaced, 1 gone/,
    );
    await userEvent.click(screen.getByRole("button", { name: "Refresh now" }));
    await vi.waitFor(() => expect(sent).toHaveLength(1));
  });

  it("tells what went wrong", async () => {
    const failed = { ...refresh, state: "failed", problem: "the container could not be listed" };
    await open({ [`GET ${path}/progress`]: aProgress({ refresh: failed }) });
    expect(await screen.findByTestId("last-refresh")).toHaveTextContent(
      /was not finished.*Problem: the container could not be listed/,
    );
  });

  it("is switched off, whatever else of the project was changed meanwhile", async () => {
    const paused = { ...project, state: "paused" as const, version: 6 };
    const { sent, reply } = inTurn(changedMeanwhile(), Response.json(paused));
    await open({ [`PATCH ${path}`]: reply, [`GET ${path}`]: paused });
    await userEvent.click(await screen.findByRole("switch", { name: /new images by itself/ }));
    await vi.waitFor(() => expect(sent.map((one) => one.version)).toEqual(['"4"', '"6"']));
    expect(sent[1]?.body).toMatchObject({ incremental_refresh: false });
  });
});

describe("shapes that lie exactly on others", () => {
  it("are taken where an admin says so", async () => {
    const { sent, reply } = inTurn(Response.json(project));
    await open({ [`PATCH ${path}`]: reply }, { ...project, task_type: "boxes" });
    await userEvent.click(await screen.findByRole("switch", { name: /same shape twice/ }));
    await vi.waitFor(() => expect(sent).toHaveLength(1));
    expect(sent[0]?.body).toMatchObject({ twins: true });
  });
});

describe("deleting", () => {
  it("waits for the project's name", async () => {
    const { sent, reply } = inTurn(new Response(null, { status: 204 }));
    await open({ [`DELETE ${path}`]: reply });
    const button = screen.getByRole("button", { name: "Delete project" });
    const field = screen.getByRole("textbox", { name: /type its name: Birds/ });
    await userEvent.type(field, "Bird");
    await userEvent.click(button);
    expect(sent).toEqual([]);
    await userEvent.type(field, "s");
    await userEvent.click(button);
    await vi.waitFor(() => expect(sent).toHaveLength(1));
  });

  it("is taken back where the project was", async () => {
    const { sent, reply } = inTurn(Response.json(project));
    const gone = { project_id: "p1", name: "Birds", deleted_at: "2026-11-20T09:00:00Z" };
    await renderAt("/", <DeletedProject projectId="p1" otherwise="not there" />, {
      "GET /api/me": aPerson({ site_admin: true }),
      "GET /api/deleted_projects": { items: [gone] },
      "POST /api/deleted_projects/p1/restore": reply,
    });
    await userEvent.click(await screen.findByRole("button", { name: "Bring it back" }));
    await vi.waitFor(() => expect(sent).toHaveLength(1));
  });

  it("is not told to who may not know of it", async () => {
    await renderAt("/", <DeletedProject projectId="p1" otherwise="not there" />, {
      "GET /api/me": aPerson({ site_admin: false }),
    });
    expect(await screen.findByText("not there")).toBeVisible();
  });
});

describe("settings of assist", () => {
  it("are sent as far as they were changed, where the API would take them", async () => {
    const { sent, reply } = inTurn(Response.json(project));
    await renderAt("/", <AssistSettings project={project} />, { [`PATCH ${path}`]: reply });
    const save = screen.getByRole("button", { name: "Save" });
    const first = screen.getByRole("spinbutton", { name: /before the first training/ });
    await userEvent.clear(first);
    await userEvent.type(first, "12");
    await userEvent.click(save);
    expect(screen.getByText(/from 20 to/)).toBeVisible();
    await userEvent.type(first, "0");
    await userEvent.selectOptions(screen.getByRole("combobox", { name: /right/ }), "0.99");
    await userEvent.selectOptions(screen.getByRole("combobox", { name: /without/ }), "0.1");
    await userEvent.selectOptions(screen.getByRole("combobox", { name: /Tune/ }), "always");
    await userEvent.type(screen.getByRole("spinbutton", { name: /Hours/ }), "40");
    await userEvent.click(save);
    await vi.waitFor(() => expect(sent).toHaveLength(1));
    expect(sent[0]?.body).toMatchObject({
      assist: {
        first_labels: 120,
        precision: 0.99,
        blind_share: 0.1,
        fine_tune: "always",
        hours_a_month: 40,
      },
    });
    expect(sent[0]?.body).not.toHaveProperty("assist.next_labels");
  });

  it("take a limit of hours away where the field is left empty", async () => {
    const { sent, reply } = inTurn(Response.json(project));
    const limited = { ...project, assist: { ...project.assist, hours_a_month: 40 } };
    await renderAt("/", <AssistSettings project={limited} />, { [`PATCH ${path}`]: reply });
    await userEvent.clear(screen.getByRole("spinbutton", { name: /Hours/ }));
    await userEvent.click(screen.getByRole("button", { name: "Save" }));
    await vi.waitFor(() => expect(sent).toHaveLength(1));
    expect(sent[0]?.body).toMatchObject({ assist: { hours_a_month: null } });
  });

  it("offer to outline what is clicked at where shapes are drawn and there is a model", async () => {
    const { sent, reply } = inTurn(Response.json(project));
    const boxes = { ...project, task_type: "boxes" as const };
    await renderAt("/", <AssistSettings project={boxes} />, {
      [`PATCH ${path}`]: reply,
      "GET /api/projects/p1/assist": { click_model: true },
    });
    await userEvent.click(await screen.findByRole("switch", { name: /clicking/ }));
    await userEvent.click(screen.getByRole("button", { name: "Save" }));
    await vi.waitFor(() => expect(sent).toHaveLength(1));
    expect(sent[0]?.body).toMatchObject({ assist: { clicks: true } });
  });

  it("say for boxes how well one must fit, and nothing of pages of similar images", async () => {
    const { sent, reply } = inTurn(Response.json(project));
    const boxes = { ...project, task_type: "boxes" as const };
    await renderAt("/", <AssistSettings project={boxes} />, { [`PATCH ${path}`]: reply });
    expect(screen.queryByRole("switch", { name: /look alike/ })).toBeNull();
    await userEvent.selectOptions(screen.getByRole("combobox", { name: /shape must fit/ }), "0.7");
    await userEvent.click(screen.getByRole("button", { name: "Save" }));
    await vi.waitFor(() => expect(sent).toHaveLength(1));
    expect(sent[0]?.body).toMatchObject({ assist: { overlap: 0.7 } });
  });

  it("offer to promise whole images where shapes are drawn, and only there", async () => {
    const { sent, reply } = inTurn(Response.json(project));
    const polygons = { ...project, task_type: "polygons" as const };
    await renderAt("/", <AssistSettings project={polygons} />, { [`PATCH ${path}`]: reply });
    await userEvent.click(screen.getByRole("switch", { name: /whole images/ }));
    await userEvent.click(screen.getByRole("button", { name: "Save" }));
    await vi.waitFor(() => expect(sent).toHaveLength(1));
    expect(sent[0]?.body).toMatchObject({ assist: { strict: true } });
    cleanup();
    await renderAt("/", <AssistSettings project={project} />, {});
    expect(screen.queryByRole("switch", { name: /whole images/ })).toBeNull();
  });
});

it("shows labelers neither where images are nor what only admins change", async () => {
  await open({}, aProject({ project_id: "p1", my_role: "labeler", source: null }));
  expect(await screen.findByText("Instructions")).toBeVisible();
  expect(within(document.body).queryAllByRole("button")).toEqual([]);
});

describe("containers", () => {
  const shown = { ...project, source: { container: "photos", pattern: "birds/**" } };

  it("are named with their account, and lead to the portal where its address is known", async () => {
    await open({}, shown);
    expect(await screen.findByText("lab/photos")).toBeVisible();
    expect(screen.getByText("birds/**")).toBeVisible();
    expect(screen.getByText("lab/exports")).toBeVisible();
    const [link, ...others] = screen.getAllByRole("link", { name: /Azure portal/ });
    expect(link).toHaveAccessibleName("Open in the Azure portal: lab/photos");
    expect(link).toHaveAttribute("href", "https://portal.azure.com/#x");
    expect(others).toEqual([]);
  });

  it("are copied, or it is said that a browser does not let them be", async () => {
    await open({}, shown);
    const user = userEvent.setup();
    await user.click(await screen.findByRole("button", { name: "Copy lab/photos" }));
    expect(await navigator.clipboard.readText()).toBe("lab/photos");
    vi.spyOn(navigator.clipboard, "writeText").mockRejectedValue(new Error("not allowed"));
    await user.click(screen.getByRole("button", { name: "Copy lab/exports" }));
    expect(await screen.findByRole("alert")).toHaveTextContent(/copy it by hand/);
  });
});

describe("a dataset", () => {
  it("is described in place, and tells of what somebody else wrote meanwhile", async () => {
    const theirs = aDataset({ version: 2, description: "Sparrows" });
    const saved = aDataset({ version: 3, description: "Owls" });
    const { sent, reply } = inTurn(changedMeanwhile(), Response.json(saved));
    const there = inTurn(Response.json(aDataset()), Response.json(theirs));
    await open({ "GET /api/datasets/d1": there.reply, "PATCH /api/datasets/d1": reply });
    await userEvent.click(await screen.findByRole("button", { name: "Describe" }));
    await userEvent.type(screen.getByRole("textbox", { name: "Description" }), " Owls ");
    await userEvent.click(screen.getByRole("button", { name: "Save" }));
    expect(await screen.findByText(/“Sparrows” Yours is still here/)).toBeVisible();
    await userEvent.click(screen.getByRole("button", { name: "Save" }));
    expect(await screen.findByText("Owls")).toBeVisible();
    expect(screen.getByRole("button", { name: "Change the description" })).toBeVisible();
    const body = { name: null, description: "Owls" };
    expect(sent).toEqual([
      { version: '"1"', body },
      { version: '"2"', body },
    ]);
  });
});
