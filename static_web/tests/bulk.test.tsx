import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";

import { BulkMenu } from "@/features/data/BulkMenu";
import { unfiltered } from "@/features/data/filters";

import { renderAt } from "./render";

it("sends all that the filter means back with a reason, by one request", async () => {
  const post = vi.fn<(request: Request) => Promise<Response>>(() =>
    Promise.resolve(Response.json({}, { status: 202 })),
  );
  const filters = { ...unfiltered, class: "c2" };
  await renderAt("/", <BulkMenu projectId="p1" filters={filters} />, {
    "POST /api/projects/p1/sweeps": post,
  });
  await userEvent.click(screen.getByRole("button", { name: "Whole filter" }));
  await userEvent.click(await screen.findByRole("menuitem", { name: "Reject all" }));
  const dialog = within(await screen.findByRole("dialog", { name: "Reject all" }));
  await userEvent.type(dialog.getByRole("textbox", { name: "Reason" }), "too dark");
  await userEvent.click(dialog.getByRole("button", { name: "Start" }));
  await vi.waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(await post.mock.calls[0]?.[0].json()).toMatchObject({
    filter: { state: "labeled", class_id: "c2", disagrees: false },
    do: { what: "reject", reason: "too dark", to: "same_labeler", front: true },
  });
});
