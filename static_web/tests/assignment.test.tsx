import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";

import { parseWords } from "@/words";
import { AssignedPanel } from "@/features/quality/AssignedPanel";
import { AssignmentSettings } from "@/features/quality/AssignmentSettings";

import { aProgress, aProject } from "./builders";
import { renderAt } from "./render";

const XRAYS = { tag: "Radiologist", folder: "xray", class_id: null, share: null };
const HALF = { tag: "Team B", folder: null, class_id: null, share: 0.5 };
const project = aProject({ assignments: [XRAYS, HALF] });
const members = [
  { member_id: "rae", role: "labeler", name: "Rae", tags: ["Radiologist"], invited: false },
];

function changing() {
  const sent: unknown[] = [];
  const patch = async (request: Request) => {
    sent.push(((await request.json()) as { assignments: unknown }).assignments);
    return Response.json(project);
  };
  return { sent, patch };
}

it("makes rules of a folder, a class or a share, and keeps their order", async () => {
  const { sent, patch } = changing();
  await renderAt("/", <AssignmentSettings project={project} />, {
    "GET /api/projects/p1/members": { items: members, next_cursor: null },
    "PATCH /api/projects/p1": patch,
  });

  await userEvent.click(screen.getByRole("button", { name: "Add a rule" }));
  const rules = within(screen.getByRole("list", { name: "Rules" })).getAllByRole("listitem");
  const last = within(rules[2] ?? document.body);
  const save = screen.getByRole("button", { name: "Give them to these people" });
  expect(save).toHaveAttribute("aria-disabled", "true");
  await userEvent.type(last.getByRole("combobox", { name: "For people tagged" }), "cooks");
  await userEvent.selectOptions(last.getByRole("combobox", { name: "Which images" }), "class");
  await userEvent.selectOptions(last.getByRole("combobox", { name: "Class" }), "Bath");
  await userEvent.click(screen.getByRole("button", { name: "Move rule 3 up" }));
  await userEvent.click(save);

  await vi.waitFor(() => expect(sent).toHaveLength(1));
  const baths = { tag: "cooks", folder: null, class_id: "c2", share: null };
  expect(sent).toEqual([[XRAYS, baths, HALF]]);
});

it("removes a rule", async () => {
  const { sent, patch } = changing();
  await renderAt("/", <AssignmentSettings project={project} />, {
    "GET /api/projects/p1/members": { items: members, next_cursor: null },
    "PATCH /api/projects/p1": patch,
  });

  await userEvent.click(screen.getByRole("button", { name: "Remove rule 1" }));
  await userEvent.click(screen.getByRole("button", { name: "Give them to these people" }));

  await vi.waitFor(() => expect(sent).toEqual([[HALF]]));
});

it("says what nobody is there for, and gives it to everybody at once", async () => {
  const { sent, patch } = changing();
  await renderAt("/", <AssignedPanel project={project} />, {
    "GET /api/projects/p1/progress": aProgress({
      assigned: [
        { tag: "Radiologist", waiting: 12, people: 0 },
        { tag: "Team B", waiting: 3, people: 2 },
      ],
    }),
    "PATCH /api/projects/p1": patch,
  });

  expect(await screen.findByRole("link", { name: "12 images for Radiologist" })).toHaveAttribute(
    "href",
    "/projects/p1/data?state=available&waits_for=Radiologist",
  );
  expect(screen.getByText("Nobody carries this tag")).toBeVisible();
  expect(screen.getByText("2 people carry this tag")).toBeVisible();
  expect(screen.queryByRole("button", { name: "Give to everybody: Team B" })).toBeNull();
  await userEvent.click(screen.getByRole("button", { name: "Give to everybody: Radiologist" }));

  await vi.waitFor(() => expect(sent).toEqual([[HALF]]));
});

it("is not there while nothing waits for anybody in particular", async () => {
  const answer = vi.fn(() =>
    Promise.resolve(
      Response.json(aProgress({ assigned: [{ tag: "Radiologist", waiting: 0, people: 0 }] })),
    ),
  );
  await renderAt("/", <AssignedPanel project={project} />, {
    "GET /api/projects/p1/progress": answer,
  });

  await vi.waitFor(() => expect(answer).toHaveBeenCalled());
  expect(screen.queryByRole("heading", { name: "Waiting for people with a tag" })).toBeNull();
});

it("takes tags with commas of any kind between", () => {
  expect(parseWords(" a, b b，c、 ,")).toEqual(["a", "b b", "c"]);
});
