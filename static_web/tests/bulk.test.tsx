import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";

import { BulkMenu } from "@/features/data/BulkMenu";
import { unfiltered } from "@/features/data/filters";
import { SweepProgress } from "@/ui/SweepProgress";

import { aProject } from "./builders";
import { renderAt } from "./render";

it("sends all that the filter means back with a reason, by one request", async () => {
  const post = vi.fn<(request: Request) => Promise<Response>>(() =>
    Promise.resolve(Response.json({}, { status: 202 })),
  );
  const filters = { ...unfiltered, class: "c2", labeled_from: "2026-11-01", suggested: "no" };
  await renderAt("/", <BulkMenu projectId="p1" filters={filters} classes={aProject().classes} />, {
    "POST /api/projects/p1/sweeps": post,
  });
  await userEvent.click(screen.getByRole("button", { name: "Whole filter" }));
  await userEvent.click(await screen.findByRole("menuitem", { name: "Reject all" }));
  const dialog = within(await screen.findByRole("dialog", { name: "Reject all" }));
  await userEvent.type(dialog.getByRole("textbox", { name: "Reason" }), "too dark");
  await userEvent.click(dialog.getByRole("button", { name: "Start" }));
  await vi.waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(await post.mock.calls[0]?.[0].json()).toMatchObject({
    filter: {
      state: "labeled",
      class_id: "c2",
      disagrees: false,
      labeled_from: "2026-11-01",
      labeled_to: null,
      suggested: false,
    },
    do: { what: "reject", reason: "too dark", to: "same_labeler", front: true },
  });
});

it("relabels all that the filter means, also what a model disagrees with", async () => {
  const post = vi.fn<(request: Request) => Promise<Response>>(() =>
    Promise.resolve(Response.json({}, { status: 202 })),
  );
  const filters = { ...unfiltered, disagrees: "yes" };
  await renderAt("/", <BulkMenu projectId="p1" filters={filters} classes={aProject().classes} />, {
    "POST /api/projects/p1/sweeps": post,
  });
  await userEvent.click(screen.getByRole("button", { name: "Whole filter" }));
  await userEvent.click(await screen.findByRole("menuitem", { name: "Relabel all" }));
  const dialog = within(await screen.findByRole("dialog", { name: "Relabel all" }));
  await userEvent.selectOptions(dialog.getByLabelText("Labels that say"), "Bath");
  await userEvent.selectOptions(dialog.getByLabelText("shall say"), "Bedroom");
  await userEvent.click(dialog.getByRole("button", { name: "Start" }));
  await vi.waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(await post.mock.calls[0]?.[0].json()).toMatchObject({
    filter: { disagrees: true },
    do: { what: "relabel", class_id: "c2", into: "c3" },
  });
});

it("offers to go on with a change that came to a stop", async () => {
  const post = vi.fn<(request: Request) => Promise<Response>>(() =>
    Promise.resolve(Response.json({}, { status: 202 })),
  );
  const sweep = {
    ...{ sweep_id: "s1", what: "approve" as const, class_id: null, into: null, by: "u1" },
    ...{ created_at: "2026-11-20T09:00:00Z", moved_at: "2026-11-20T09:00:00Z" },
    ...{ finished_at: null, items: 100, looked: 40, done: 9, left: {}, stalled: true },
    problem: "storage answered 500",
  };
  await renderAt("/", <SweepProgress projectId="p1" sweep={sweep} classes={[]} />, {
    "POST /api/projects/p1/sweeps/s1/resume": post,
  });
  expect(screen.getByRole("status").textContent).toContain("a stop: storage answered 500");
  await userEvent.click(screen.getByRole("button", { name: "Go on" }));
  await vi.waitFor(() => expect(post).toHaveBeenCalledOnce());
});
