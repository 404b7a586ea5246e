import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";

import { WebhookPanel } from "@/features/details/WebhookPanel";

import { renderAt, type Answers } from "./render";

const path = "/api/projects/p1/webhook";
const hook = {
  url: "https://example.org/hook",
  events: ["export.finished", "project.done"],
  changed_at: "2026-11-20T10:00:00Z",
  changed_by: "u1",
};
const failed = {
  delivery_id: "d1",
  event: "ping",
  state: "failed",
  tries: 8,
  status: 500,
  problem: "answered 500",
  created_at: "2026-11-20T10:00:00Z",
  last_at: "2026-11-20T18:00:00Z",
  next_at: null,
};

function open(more: Answers = {}) {
  return renderAt("/", <WebhookPanel projectId="p1" />, {
    [`GET ${path}`]: hook,
    [`GET ${path}/deliveries`]: { items: [failed] },
    ...more,
  });
}

const absent = () =>
  Promise.resolve(Response.json({ type: "not-found", detail: "none" }, { status: 404 }));

const waiting = () =>
  Promise.resolve(Response.json({ ...failed, state: "waiting" }, { status: 202 }));

it("adds a webhook, with the events that are wanted, and shows its secret", async () => {
  const sent: unknown[] = [];
  await open({
    [`GET ${path}`]: absent,
    [`GET ${path}/deliveries`]: { items: [] },
    [`PUT ${path}`]: async (request: Request) => {
      sent.push(await request.json());
      return Response.json({ ...hook, secret: "whsec_abc" });
    },
  });
  await userEvent.type(await screen.findByRole("textbox", { name: "Address" }), hook.url);
  await userEvent.click(screen.getByRole("checkbox", { name: "A training or run ended" }));
  await userEvent.click(screen.getByRole("button", { name: "Add" }));
  expect(await screen.findByDisplayValue("whsec_abc")).toBeVisible();
  expect(sent).toEqual([
    { url: hook.url, events: ["export.finished", "project.done"], new_secret: false },
  ]);
  expect(screen.getByRole("button", { name: "Send a test" })).toBeVisible();
});

it("says why an address is refused", async () => {
  await open({
    [`PUT ${path}`]: () =>
      Promise.resolve(
        Response.json({ type: "invalid", detail: "give an address" }, { status: 422 }),
      ),
  });
  await userEvent.click(await screen.findByRole("button", { name: "Save" }));
  expect(await screen.findByText(/give an address/)).toBeVisible();
});

it("shows what became of deliveries, and sends what failed, or a test, again", async () => {
  const again = vi.fn(waiting);
  const ping = vi.fn(waiting);
  await open({ [`POST ${path}/deliveries/d1/again`]: again, [`POST ${path}/ping`]: ping });
  const row = within(await screen.findByRole("row", { name: /Test/ }));
  expect(row.getByText(/answered 500/)).toBeVisible();
  await userEvent.click(row.getByRole("button", { name: "Send again" }));
  await userEvent.click(screen.getByRole("button", { name: "Send a test" }));
  await vi.waitFor(() => expect(again).toHaveBeenCalledOnce());
  await vi.waitFor(() => expect(ping).toHaveBeenCalledOnce());
});

it("is removed when that is wanted", async () => {
  const gone = vi.fn(() => Promise.resolve(new Response(null, { status: 204 })));
  await open({ [`DELETE ${path}`]: gone });
  await userEvent.click(await screen.findByRole("button", { name: "Remove" }));
  const asked = within(await screen.findByRole("dialog"));
  expect(gone).not.toHaveBeenCalled();
  await userEvent.click(asked.getByRole("button", { name: "Remove" }));
  expect(await screen.findByRole("button", { name: "Add" })).toBeVisible();
  expect(gone).toHaveBeenCalledOnce();
});
