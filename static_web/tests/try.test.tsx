import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";

import TryPage from "@/features/try/TryPage";

import { aPerson, aProject, signedClasses } from "./builders";
import { renderAt } from "./render";

const images = {
  thumbnail: "t",
  medium: "m",
  preview: "p",
  full: "f",
  expire_at: "2100-01-01T00:00:00Z",
};
const line = (item_id: string) => ({
  ...{ item_id, path: `${item_id}.jpg`, state: "labeled", kind: "manual", revision: 2 },
  ...{ width: 800, height: 600, media: "jpeg", flag: "", reason: "", classes: ["c1"] },
  ...{ labelers: [], approved: "", changed_at: "2026-11-20T09:00:00Z", images },
  ...{ labels: null, seems: null },
});

it("is labeled and submitted like any other page, and writes nothing", async () => {
  const project = aProject({ my_role: "admin", instructions: { text: "", link: "" } });
  const written: string[] = [];
  const answers = {
    "GET /api/me": aPerson(),
    "GET /api/projects/p1": project,
    "GET /api/projects/p1/classes": signedClasses(project),
    "GET /api/projects/p1/items": {
      items: [line("a"), line("b")],
      next_cursor: null,
      searched: 2,
    },
  };
  await renderAt("/", <TryPage projectId="p1" Canvas={() => null} />, answers);
  const reading = fetch;
  vi.stubGlobal("fetch", (request: Request) => {
    if (request.method !== "GET") written.push(`${request.method} ${request.url}`);
    return reading(request);
  });
  expect(await screen.findByText(/Nothing you do here is kept/)).toBeVisible();
  await waitFor(() => expect(screen.getAllByRole("option")).toHaveLength(2));
  await userEvent.keyboard("12");
  await userEvent.keyboard("{Control>}{Enter}{/Control}");
  await waitFor(() => expect(screen.queryAllByRole("option")).toHaveLength(0));
  expect(written).toEqual([]);
});
