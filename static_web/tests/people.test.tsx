import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";

import { parseAddresses } from "@/addresses";
import { PeoplePage } from "@/features/people/PeoplePage";

import { aPerson } from "./builders";
import { renderAt, type Answers } from "./render";

const members = [
  {
    member_id: "invited:k1",
    role: "labeler",
    name: "bora@example.com",
    tags: ["owls"],
    invited: true,
  },
  { member_id: "jun", role: "reviewer", name: "Jun", tags: [], invited: false },
  { member_id: aPerson().user, role: "admin", name: "Minji", tags: [], invited: false },
];
const path = "/api/projects/p1/members";
const invitations = "/api/projects/p1/invitations";
const tokens = "/api/projects/p1/tokens";
const token = {
  token_id: "t1",
  name: "robot",
  project_id: "p1",
  role: "reviewer",
  site_admin: false,
  created_at: "2026-01-01T00:00:00Z",
  expires_at: "2026-04-01T00:00:00Z",
  used_at: null,
  expired: true,
};

function open(more: Answers = {}) {
  return renderAt("/", <PeoplePage projectId="p1" />, {
    "GET /api/me": aPerson(),
    [`GET ${path}`]: { items: members, next_cursor: null },
    [`GET ${tokens}`]: { items: [], next_cursor: null },
    ...more,
  });
}

const answering = (reply: (body: unknown) => Response) =>
  vi.fn(async (request: Request) => reply(request.body ? await request.json() : null));

describe("addresses", () => {
  it("are taken one a line, or with commas between, each once", () => {
    expect(parseAddresses(" a@x.org, b@x.org;c@x.org\nA@x.org ")).toEqual({
      good: ["a@x.org", "b@x.org", "c@x.org"],
      bad: [],
    });
  });

  it("are taken out of the brackets a mail program puts around them", () => {
    expect(parseAddresses("<a@x.org>").good).toEqual(["a@x.org"]);
  });

  it("that are none are told", () => {
    expect(parseAddresses("a@x.org bora b@@x")).toEqual({
      good: ["a@x.org"],
      bad: ["bora", "b@@x"],
    });
  });
});

describe("tags", () => {
  it("are kept when the field is left, also of somebody invited", async () => {
    const sent: unknown[] = [];
    const keep = answering((body) => {
      sent.push(body);
      return Response.json({ ...members[1], tags: ["owls", "bees"] });
    });
    await open({ [`PUT ${path}/jun`]: keep, [`POST ${invitations}`]: keep });
    const field = await screen.findByRole("textbox", { name: "Tags of Jun, with commas between" });
    await userEvent.type(field, "owls, bees");
    await userEvent.tab();
    const invited = screen.getByRole("textbox", {
      name: "Tags of bora@example.com, with commas between",
    });
    await vi.waitFor(() => expect(invited).toBeEnabled());
    await userEvent.type(invited, ", bees{Enter}");

    await vi.waitFor(() => expect(sent).toHaveLength(2));
    expect(sent).toEqual([
      { role: "reviewer", name: "", tags: ["owls", "bees"] },
      { email: "bora@example.com", role: "labeler", tags: ["owls", "bees"] },
    ]);
  });
});

describe("people", () => {
  it("are invited several at once, with their role", async () => {
    const sent: unknown[] = [];
    const post = answering((body) => {
      sent.push(body);
      return Response.json(members[0]);
    });
    await open({ [`POST ${invitations}`]: post });
    const field = await screen.findByRole("textbox", { name: "E-mail addresses" });
    await userEvent.type(field, "ann@example.com,bob@example.com");
    await userEvent.selectOptions(screen.getByRole("combobox", { name: "Role" }), "reviewer");
    await userEvent.click(screen.getByRole("button", { name: "Invite 2 people" }));
    await vi.waitFor(() => expect(field).toHaveValue(""));
    expect(sent).toEqual([
      { email: "ann@example.com", role: "reviewer", tags: null },
      { email: "bob@example.com", role: "reviewer", tags: null },
    ]);
  });

  it("who could not be invited stay in the field, with the reason", async () => {
    const post = answering((body) =>
      (body as { email: string }).email.startsWith("ann")
        ? Response.json({ name: "ann@example.com", role: "labeler" })
        : Response.json({ type: "unavailable", detail: "no answer" }, { status: 503 }),
    );
    await open({ [`POST ${invitations}`]: post });
    const field = await screen.findByRole("textbox", { name: "E-mail addresses" });
    await userEvent.type(field, "ann@example.com bob@example.com");
    await userEvent.click(screen.getByRole("button", { name: "Invite 2 people" }));
    expect(await screen.findByRole("alert")).toHaveTextContent("Storage did not answer");
    expect(field).toHaveValue("bob@example.com");
  });

  it("get another role, who are invited by another invitation", async () => {
    const put = answering(() => Response.json({ ...members[1], role: "labeler" }));
    const post = answering(() => Response.json({ ...members[0], role: "admin" }));
    await open({ [`PUT ${path}/jun`]: put, [`POST ${invitations}`]: post });
    await userEvent.selectOptions(
      await screen.findByRole("combobox", { name: "Role of Jun" }),
      "labeler",
    );
    await vi.waitFor(() => expect(put).toHaveBeenCalled());
    const invited = screen.getByRole("combobox", { name: "Role of bora@example.com" });
    await vi.waitFor(() => expect(invited).toBeEnabled());
    await userEvent.selectOptions(invited, "admin");
    await vi.waitFor(() => expect(post).toHaveBeenCalled());
  });

  it("can't take themselves off, or make themselves less", async () => {
    await open();
    const mine = within(await screen.findByRole("row", { name: /Minji/ }));
    expect(mine.getByText("You")).toBeVisible();
    expect(mine.queryByRole("combobox")).toBeNull();
    expect(mine.queryByRole("button")).toBeNull();
  });

  it("are taken off only after it was said what becomes of their work", async () => {
    const gone = answering(() => new Response(null, { status: 204 }));
    await open({ [`DELETE ${path}/jun`]: gone });
    await userEvent.click(await screen.findByRole("button", { name: "Remove Jun" }));
    const dialog = within(await screen.findByRole("dialog"));
    expect(dialog.getByText(/What they labeled stays/)).toBeVisible();
    expect(gone).not.toHaveBeenCalled();
    await userEvent.click(dialog.getByRole("button", { name: "Remove" }));
    await vi.waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(gone).toHaveBeenCalledOnce();
  });
});

describe("API tokens", () => {
  it("are shown with their last use and end, and revoked once it was said what that does", async () => {
    const gone = answering(() => new Response(null, { status: 204 }));
    await open({
      [`GET ${tokens}`]: { items: [token], next_cursor: null },
      [`DELETE ${tokens}/t1`]: gone,
    });
    const row = within(await screen.findByRole("row", { name: /robot/ }));
    expect(row.getByText("Never")).toBeVisible();
    expect(row.getByText(/^Expired/)).toBeVisible();
    await userEvent.click(row.getByRole("button", { name: "Revoke robot" }));
    const dialog = within(await screen.findByRole("dialog"));
    expect(gone).not.toHaveBeenCalled();
    await userEvent.click(dialog.getByRole("button", { name: "Revoke" }));
    await vi.waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(gone).toHaveBeenCalledOnce();
  });

  it("are made by site admins, who see the secret this once", async () => {
    const asked = vi.fn();
    const make = answering((body) => {
      asked(body);
      return Response.json({ ...token, secret: "lbl_t1_s" }, { status: 201 });
    });
    await open({
      "GET /api/me": { ...aPerson(), site_admin: true },
      "POST /api/tokens": make,
    });
    await userEvent.type(
      await screen.findByRole("textbox", { name: "What the script is called" }),
      "robot",
    );
    await userEvent.click(screen.getByRole("button", { name: "Make a token" }));
    expect(await screen.findByRole("textbox", { name: "Token of robot" })).toHaveValue("lbl_t1_s");
    const wanted = { name: "robot", project_id: "p1", role: "labeler", days: 90 };
    expect(asked).toHaveBeenCalledWith(expect.objectContaining(wanted));
  });

  it("are renewed by site admins alone", async () => {
    const renew = answering(() =>
      Response.json({ ...token, expired: false, expires_at: "2026-12-01T00:00:00Z" }),
    );
    await open({
      "GET /api/me": { ...aPerson(), site_admin: true },
      [`GET ${tokens}`]: { items: [token], next_cursor: null },
      "POST /api/tokens/t1/renew": renew,
    });
    await userEvent.click(await screen.findByRole("button", { name: "Renew for 90 days: robot" }));
    await vi.waitFor(() => expect(renew).toHaveBeenCalledOnce());
  });

  it("offer a project's admin no renewing", async () => {
    await open({
      "GET /api/me": { ...aPerson(), site_admin: false },
      [`GET ${tokens}`]: { items: [token], next_cursor: null },
    });
    await screen.findByRole("button", { name: "Revoke robot" });
    expect(screen.queryByRole("button", { name: /Renew|Make a token/ })).toBeNull();
  });
});
