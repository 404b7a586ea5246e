import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";

import type { Me, ProjectLine } from "@/api/types";
import ProjectList from "@/features/projects/ProjectList";

import { renderAt } from "./render";

const me: Me = {
  user: "u",
  name: "Kim",
  provider: "aad",
  site_admin: true,
  token_project: null,
  token_role: null,
  seen_ms: 400,
};

function aLine(change: Partial<ProjectLine> = {}): ProjectLine {
  return {
    project_id: "p1",
    name: "Rooms",
    task_type: "multiclass",
    state: "running",
    my_role: "admin",
    total: 200,
    labeled: 50,
    waiting: 150,
    created_at: "2026-01-01T00:00:00Z",
    counted_at: null,
    ...change,
  };
}

const answers = (items: ProjectLine[], admin = true) => ({
  "GET /api/me": { ...me, site_admin: admin },
  "GET /api/projects": { items, next_cursor: null },
});

describe("the project list", () => {
  it("shows how far each project is", async () => {
    await renderAt(
      "/",
      <ProjectList />,
      answers([aLine(), aLine({ project_id: "p2", name: "Streets" })]),
    );
    expect(await screen.findByRole("link", { name: "Rooms" })).toHaveAttribute(
      "href",
      "/projects/p1",
    );
    expect(screen.getAllByText("25%")).toHaveLength(2);
    expect(screen.getByRole("button", { name: "Label Streets" })).toBeVisible();
  });

  it("finds a project by its name", async () => {
    await renderAt(
      "/",
      <ProjectList />,
      answers([aLine(), aLine({ project_id: "p2", name: "Streets" })]),
    );
    await userEvent.type(await screen.findByRole("textbox", { name: "Find a project" }), "str");
    expect(screen.queryByRole("link", { name: "Rooms" })).toBeNull();
    expect(screen.getByRole("link", { name: "Streets" })).toBeVisible();
  });

  it("takes a labeler with one project straight to it", async () => {
    const { history } = await renderAt(
      "/",
      <ProjectList />,
      answers([aLine({ my_role: "labeler" })], false),
    );
    await waitFor(() => expect(history.at(-1)).toBe("/projects/p1/label"));
  });

  it("offers a first project to those who may make one", async () => {
    await renderAt("/", <ProjectList />, answers([]));
    expect(await screen.findByRole("button", { name: "New project" })).toBeVisible();
  });

  it("tells others whom to ask", async () => {
    await renderAt("/", <ProjectList />, answers([], false));
    expect(await screen.findByText(/Ask the person who runs the labeling/)).toBeVisible();
    expect(screen.queryByRole("button", { name: "New project" })).toBeNull();
  });
});
