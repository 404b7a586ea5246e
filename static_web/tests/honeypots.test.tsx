import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";

import { HoneypotPanel } from "@/features/quality/HoneypotPanel";
import { HoneypotSettings } from "@/features/quality/HoneypotSettings";

import { aProject, aTag } from "./builders";
import { renderAt } from "./render";

const BOB = {
  user: "bob",
  name: "Bob",
  answers: 12,
  accuracy: 0.25,
  low: 0.1,
  high: 0.5,
  standing: "paused",
  days: [{ day: "2026-11-20", answers: 12, accuracy: 0.25 }],
};

const open = (more: Record<string, unknown> = {}) =>
  renderAt("/projects/p1", <HoneypotPanel project={aProject()} />, {
    "GET /api/projects/p1/honeypots": { honeypots: 20, people: [BOB] },
    "GET /api/projects/p1/honeypots/bob": {
      user: "bob",
      name: "Bob",
      standing: "paused",
      items: [
        {
          item_id: "i1",
          path: "a/1.jpg",
          width: 10,
          height: 10,
          media: "image/jpeg",
          images: { thumbnail: "t", medium: "t", preview: "t", full: "t", expire_at: "" },
          at: "2026-11-20T09:00:00Z",
          score: 0,
          outcome: "labeled",
          said: [aTag("c2")],
          known: [aTag("c1")],
        },
      ],
    },
    ...more,
  });

it("says who knows the answers, how sure that is, and leads to the honeypots", async () => {
  await open();

  const table = await screen.findByRole("table", { name: "Who knows the answers" });
  expect(within(table).getByText("25% (10% to 50%)")).toBeVisible();
  expect(screen.getByRole("link", { name: "20, Honeypot" })).toHaveAttribute(
    "href",
    "/projects/p1/data?honeypot=yes",
  );
});

it("shows what was said beside what is known, image by image", async () => {
  await open();

  await userEvent.click(await screen.findByRole("button", { name: "12 answers of Bob" }));

  const link = await screen.findByRole("link", { name: "a/1.jpg" });
  expect(link).toHaveAttribute("href", "/projects/p1/data?item=i1");
  expect(screen.getByText("0% right")).toBeVisible();
});

it("gives whoever was paused images again", async () => {
  const resumed = vi.fn(() => Promise.resolve(new Response(null, { status: 204 })));
  await open({ "POST /api/projects/p1/honeypots/bob/resume": resumed });

  await userEvent.click(await screen.findByRole("button", { name: "Let go on" }));

  await vi.waitFor(() => expect(resumed).toHaveBeenCalledOnce());
});

it("asks what becomes of people only once honeypots are mixed in", async () => {
  await renderAt("/projects/p1", <HoneypotSettings project={aProject()} />, {});
  expect(screen.queryByRole("combobox", { name: "Who knows too few" })).toBeNull();

  await userEvent.selectOptions(
    screen.getByRole("combobox", { name: "Share of honeypots on pages" }),
    "0.05",
  );
  await userEvent.selectOptions(
    screen.getByRole("combobox", { name: "Who knows too few" }),
    "pause",
  );

  expect(screen.getByRole("combobox", { name: "Too few: less than" })).toHaveValue("0.7");
  expect(screen.getByRole("button", { name: "Mix in so many" })).toBeEnabled();
});
