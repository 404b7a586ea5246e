import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, it, vi } from "vitest";

import type { Annotation, Project } from "@/api/types";
import { DataPage } from "@/features/data/DataPage";

import { aProgress, aProject, aTag } from "./builders";
import { renderAt } from "./render";

beforeEach(() => {
  vi.stubGlobal("scrollTo", vi.fn());
});

const AT = "2026-11-20T09:00:00Z";
const LINKS = { thumbnail: "t", medium: "m", preview: "p", full: "f", expire_at: AT };
const ITEMS = "/api/projects/p1/items";

const anImage = (id: string, annotations: Annotation[]) => ({
  ...{ item_id: id, path: `${id}.jpg`, state: "needs_review", kind: "manual", revision: 4 },
  ...{ width: 200, height: 100, frames: 1, media: "jpeg", flag: "", reason: "", approved: "" },
  ...{ classes: ["c1"], labelers: ["u1", "u2"], honeypot: false, changed_at: AT, images: LINKS },
  ...{ labels: null, seems: null, outcome: "labeled", annotations, note: null, saved_at: AT },
  ...{ active_ms: 0, submission_id: "s1", prelabel: null },
});

const said = (labeler: string, name: string, annotations: Annotation[], shared: string[] = []) => ({
  ...{ labeler, name, outcome: "labeled", annotations, shared, note: null, saved_at: AT },
});

/** The first of two images, large, about which these people disagree. */
async function openDispute(
  answers: readonly ReturnType<typeof said>[],
  merged: Annotation[] | null = null,
  project: Partial<Project> = {},
) {
  const sent: unknown[] = [];
  const images = ["i1", "i2"].map((id) => anImage(id, answers[0]?.annotations ?? []));
  const found = await renderAt(
    "/projects/p1/data?state=all&consensus=disputed&item=i1",
    <DataPage project={aProject(project)} />,
    {
      "GET /api/projects/p1/progress": aProgress(),
      "GET /api/projects/p1/sweeps": { items: [] },
      [`GET ${ITEMS}`]: { items: images, next_cursor: null, searched: 2 },
      ...Object.fromEntries(
        images.flatMap((one): [string, unknown][] => [
          [`GET ${ITEMS}/${one.item_id}`, one],
          [`GET ${ITEMS}/${one.item_id}/history`, { items: [], names: {} }],
          [`GET ${ITEMS}/${one.item_id}/opinions`, { items: answers, merged }],
        ]),
      ),
      [`POST ${ITEMS}/i1/resolve`]: async (request: Request) => {
        sent.push(await request.json());
        return Response.json({ item_id: "i1", status: "done" });
      },
    },
  );
  await screen.findByRole("heading", { name: "What each said" });
  await screen.findByRole("heading", { name: /i1.jpg.*1 of 2/ });
  return { sent, where: () => found.history.at(-1) };
}

const KITCHEN_OR_BATH = [said("u1", "Ann", [aTag("c1")]), said("u2", "Ben", [aTag("c2")])];

it("is decided by the key of an answer, and the next image comes", async () => {
  const { sent, where } = await openDispute(KITCHEN_OR_BATH);

  await userEvent.keyboard("3"); // nobody's
  await userEvent.keyboard("2");

  await waitFor(() => expect(where()).toContain("item=i2"));
  expect(sent).toEqual([{ labeler: "u2", merge: false, revision: 4 }]);
});

it("is merged by M and Enter, and the next image comes", async () => {
  const { sent, where } = await openDispute(
    [said("u1", "Ann", [aTag("c1")], ["a-c1"]), said("u2", "Ben", [aTag("c1"), aTag("c2")])],
    [aTag("c1")],
    { task_type: "multilabel" },
  );

  await userEvent.keyboard("m");
  const merge = within(await screen.findByRole("dialog")).getByRole("button", { name: "Merge" });
  await waitFor(() => expect(merge).toHaveFocus());
  await userEvent.keyboard("{2}{Enter}"); // no number is an answer while it is asked

  await waitFor(() => expect(where()).toContain("item=i2"));
  expect(sent).toEqual([{ labeler: null, merge: true, revision: 4 }]);
});

it("has its candidates side by side instead of the classes of one of them", async () => {
  await openDispute(KITCHEN_OR_BATH);

  const [ann, ben] = screen.getAllByRole("listitem");
  expect(within(ann as HTMLElement).getByText("Kitchen")).toBeVisible();
  expect(within(ben as HTMLElement).getByText("Bath")).toBeVisible();
  expect(screen.queryByRole("heading", { name: "Classes" })).toBeNull();
});

const aBox = (id: string, classId: string, x0: number): Annotation => ({
  ...aTag(classId),
  annotation_id: id,
  geometry: { kind: "box", x0, y0: 0.1, x1: x0 + 0.2, y1: 0.3 },
});
const aTriangle = (id: string, classId: string, x: number): Annotation => ({
  ...aTag(classId),
  annotation_id: id,
  geometry: {
    kind: "polygon",
    parts: [
      {
        outer: [
          [x, 0.1],
          [x + 0.2, 0.1],
          [x, 0.4],
        ],
        holes: [],
      },
    ],
  },
});

it.each([
  ["boxes", aBox],
  ["polygons", aTriangle],
] as const)("draws where %s differ, by person, class and number", async (type, a) => {
  await openDispute(
    [
      said("u1", "Ann", [a("x", "c1", 0.5), a("b", "c1", 0.1)], ["b"]),
      said("u2", "Ben", [a("b", "c1", 0.11), a("y", "c2", 0.5)], ["b"]),
    ],
    [a("b", "c1", 0.1)],
    { task_type: type },
  );

  const lines = [...document.querySelectorAll("g[data-testid]")];
  expect(lines.map((one) => one.getAttribute("data-testid"))).toEqual([
    ...["same", "same", "differs", "differs"], // above what all drew
  ]);
  const dashes = lines.map((one) => one.lastElementChild?.getAttribute("stroke-dasharray"));
  expect(dashes[2]).not.toBe(dashes[3]);
  const names = screen.getAllByTestId("difference");
  expect(names.map((one) => one.textContent)).toEqual(["1Kitchen", "2Bath"]);
});

it("draws the answer alone that is asked for", async () => {
  await openDispute(
    [said("u1", "Ann", [aBox("x", "c1", 0.5)]), said("u2", "Ben", [aBox("y", "c2", 0.1)])],
    null,
    { task_type: "boxes" },
  );

  await userEvent.click(screen.getByRole("button", { name: "Show Ben's" }));

  expect(screen.queryAllByTestId("difference")).toEqual([]);
  expect(screen.getByRole("heading", { name: "Classes" })).toBeVisible();
});

it("tells how many of a class differ, and by which attributes", async () => {
  const parked = (id: string, value: boolean): Annotation => ({
    ...aBox(id, "c1", 0.1),
    attributes: { parked: value },
  });
  await openDispute(
    [
      said("u1", "Ann", [parked("x", true), parked("y", true)]),
      said("u2", "Ben", [parked("x", false)]),
    ],
    null,
    { task_type: "boxes" },
  );

  const [ann, ben] = screen.getAllByRole("listitem");
  expect(within(ann as HTMLElement).getByText("×2 parked: Yes")).toBeVisible();
  expect(within(ben as HTMLElement).getByText("parked: No")).toBeVisible();
});
