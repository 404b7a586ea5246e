import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";

import { RejectDialog } from "@/features/data/RejectDialog";
import { review } from "@/features/data/queries";

import { renderAt } from "./render";

it("leaves chosen images out with a reason, as they were seen", async () => {
  const post = vi.fn<(request: Request) => Promise<Response>>(() =>
    Promise.resolve(
      Response.json({
        results: [
          { item_id: "i1", status: "done" },
          { item_id: "i2", status: "changed" },
        ],
      }),
    ),
  );
  const seen = [
    { item_id: "i1", revision: 3 },
    { item_id: "i2", revision: 4 },
  ];
  const send = vi.fn<Parameters<typeof RejectDialog>[0]["onSend"]>();
  const props = { count: 2, busy: false, problem: "", onSend: send, onClose: () => undefined };
  await renderAt("/", <RejectDialog what="leave_out" {...props} />, {
    "POST /api/projects/p1/items/exclude": post,
  });
  const dialog = within(await screen.findByRole("dialog", { name: "Leave 2 images out" }));
  await userEvent.type(dialog.getByRole("textbox", { name: "Reason" }), "a test card");
  await userEvent.click(dialog.getByRole("button", { name: "Leave out" }));
  const deed = send.mock.calls[0]?.[0];
  expect(deed).toEqual({ what: "leave_out", reason: "a test card" });

  expect(deed && (await review("p1", seen, deed))).toEqual(["done", "changed"]);
  expect(await post.mock.calls[0]?.[0].json()).toEqual({
    item_ids: ["i1", "i2"],
    revisions: { i1: 3, i2: 4 },
    reason: "a test card",
  });
});
