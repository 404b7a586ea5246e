import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import type { ComponentProps } from "react";
import { expect, it, vi } from "vitest";

import { Opinions } from "@/features/data/Opinions";

import { aProject, aTag } from "./builders";
import { renderAt } from "./render";

const said = (labeler: string, name: string, classId: string, note: string | null = null) => ({
  labeler,
  name,
  outcome: "labeled",
  annotations: [aTag(classId)],
  shared: [],
  note,
  saved_at: "2026-11-20T09:00:00Z",
});
const OPINIONS = "/api/projects/p1/items/i1/opinions";
const opinions = (given: Partial<ComponentProps<typeof Opinions>> = {}) => (
  <Opinions
    projectId="p1"
    itemId="i1"
    revision={4}
    disputed
    classes={aProject().classes}
    shown={null}
    draw={() => null}
    onShow={vi.fn()}
    onDecided={vi.fn()}
    {...given}
  />
);

it("shows what each person said, and takes one of them at their word", async () => {
  const onShow = vi.fn();
  const onDecided = vi.fn();
  let taken: unknown;
  await renderAt("/", opinions({ onShow, onDecided }), {
    [`GET ${OPINIONS}`]: {
      items: [said("u1", "Ann", "c1"), said("u2", "", "c2", "too dark?")],
      merged: null,
    },
    "POST /api/projects/p1/items/i1/resolve": async (request: Request) => {
      taken = await request.json();
      return Response.json({ item_id: "i1", status: "done" });
    },
  });

  const [ann, other] = await screen.findAllByRole("listitem");
  expect(within(ann as HTMLElement).getByText("Kitchen")).toBeVisible();
  expect(within(other as HTMLElement).getByText(/too dark/)).toBeVisible();
  expect(screen.queryByRole("button", { name: "Show Ann's" })).toBeNull(); // nothing is drawn
  await userEvent.click(screen.getByRole("button", { name: "Take u2's" }));

  await waitFor(() => expect(taken).toEqual({ labeler: "u2", merge: false, revision: 4 }));
  expect(onShow).toHaveBeenLastCalledWith(null, []);
  expect(onDecided).toHaveBeenCalledOnce();
});

it("is not there where one person labeled the image", async () => {
  const answer = vi.fn(() =>
    Promise.resolve(Response.json({ items: [said("u1", "Ann", "c1")], merged: null })),
  );
  await renderAt("/", opinions(), { [`GET ${OPINIONS}`]: answer });

  await waitFor(() => expect(answer).toHaveBeenCalled());
  expect(screen.queryByRole("heading", { name: "What each said" })).toBeNull();
});

it.each([
  { disputed: true, taken: ["u2"] },
  { disputed: false, taken: [] },
])("takes the second answer by the key 2, if people disagree: $disputed", async (one) => {
  const taken: unknown[] = [];
  await renderAt("/", opinions({ disputed: one.disputed }), {
    [`GET ${OPINIONS}`]: {
      items: [said("u1", "Ann", "c1"), said("u2", "Ben", "c2")],
      merged: null,
    },
    "POST /api/projects/p1/items/i1/resolve": async (request: Request) => {
      taken.push(((await request.json()) as { labeler: string }).labeler);
      return Response.json({ item_id: "i1", status: "done" });
    },
  });
  const button = await screen.findByRole("button", { name: "Take Ben's" });

  await userEvent.keyboard("{3}{2}");

  expect(button.getAttribute("aria-keyshortcuts")).toBe(one.disputed ? "2" : null);
  await waitFor(() => expect(taken).toEqual(one.taken));
});

const openDispute = async (merged: unknown) => {
  const sent: unknown[] = [];
  const draw = vi.fn(() => null);
  await renderAt("/", opinions({ draw }), {
    [`GET ${OPINIONS}`]: {
      items: [said("u1", "Ann", "c1"), said("u2", "Ben", "c2")],
      merged,
    },
    "POST /api/projects/p1/items/i1/resolve": async (request: Request) => {
      sent.push(await request.json());
      return Response.json({ item_id: "i1", status: "done" });
    },
  });
  await screen.findByRole("button", { name: "Take Ben's" });
  return { sent, draw };
};

it("shows what comes of merging by the key M, and merges", async () => {
  const { sent, draw } = await openDispute([aTag("c1")]);

  await userEvent.keyboard("m");
  const dialog = await screen.findByRole("dialog");
  expect(within(dialog).getByText(/the rest is left out: 1 annotation/)).toBeVisible();
  expect(draw).toHaveBeenCalledWith([aTag("c1")]);
  await userEvent.click(within(dialog).getByRole("button", { name: "Merge" }));

  await waitFor(() => expect(sent).toEqual([{ labeler: null, merge: true, revision: 4 }]));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
});

it("says what to do where there is nothing to merge", async () => {
  await openDispute(null);

  await userEvent.keyboard("m");

  expect(screen.queryByRole("dialog")).toBeNull();
  expect(screen.getByText(/take one’s answer, or send the image back/)).toBeVisible();
});

it("tells the classes all gave from those that differ", async () => {
  await renderAt("/", opinions(), {
    [`GET ${OPINIONS}`]: {
      items: [
        { ...said("u1", "Ann", "c1"), shared: ["a-c1"] },
        {
          ...said("u2", "Ben", "c1"),
          annotations: [aTag("c1"), aTag("c2")],
          shared: ["a-c1"],
        },
      ],
      merged: [aTag("c1")],
    },
  });

  const [ann, ben] = await screen.findAllByRole("listitem");
  expect(within(ann as HTMLElement).queryByText("Not all say so")).toBeNull();
  expect(within(ann as HTMLElement).getByText("All say so")).toBeVisible();
  expect(within(ben as HTMLElement).getByText("Not all say so")).toBeVisible();
});
