import {
  configure,
  fireEvent,
  screen,
  waitFor,
  within,
  type BoundFunctions,
  type queries,
} from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";

import { changeKeys, untouched } from "@/keys/keyMap";
import CanvasStage from "@/features/label/canvas/CanvasStage";
import LabelPage from "@/features/label/LabelPage";

import { aPerson, anItem, aProject, aTask } from "./builders";
import { renderAt } from "./render";

const tasks = "/api/projects/p1/tasks";

// Without a layout the focus trap hides a dialog that opens slowly; tests/e2e looks at it in a browser.
beforeAll(() => configure({ defaultHidden: true }));
afterAll(() => configure({ defaultHidden: false }));

beforeEach(async () => {
  localStorage.clear();
  changeKeys(untouched);
  await renderAt("/", <LabelPage projectId="p1" Canvas={CanvasStage} />, {
    "GET /api/me": aPerson(),
    "GET /api/projects/p1": aProject(),
    [`GET ${tasks}`]: { items: [aTask("t1", [anItem("i1"), anItem("i2")])], recent: [] },
    [`POST ${tasks}`]: { task: null, why: "all_leased", retry_after_s: 15, open_tasks: [] },
  });
  const first = await screen.findByRole("option", { name: /Image 1 of 2/ });
  await waitFor(() => expect(first).toHaveFocus());
});

/** The dialog of keys, reached by the keyboard as people reach it. */
async function openKeys(): Promise<BoundFunctions<typeof queries>> {
  await userEvent.keyboard("{Shift>}[Slash]{/Shift}");
  await userEvent.click(await screen.findByRole("button", { name: "Change keys" }));
  return within(await screen.findByRole("dialog", { name: "Change keys" }));
}

/** Chooses a command and presses a key for it. */
async function change(
  dialog: BoundFunctions<typeof queries>,
  command: RegExp,
  press: KeyboardEventInit,
): Promise<void> {
  await userEvent.click(dialog.getByRole("button", { name: command }));
  fireEvent.keyDown(dialog.getByRole("button", { name: "Press a key" }), press);
}

it("changes a key, and the button shows it at once", async () => {
  const dialog = await openKeys();
  await change(dialog, /^Skip: S/, { code: "KeyK", key: "ㅏ" });
  expect(dialog.getByRole("button", { name: /^Skip: K/ })).toBeVisible();
  await userEvent.click(dialog.getByRole("button", { name: "Close" }));
  const skip = await screen.findByRole("button", { name: "Skip" });
  expect(skip).toHaveTextContent("K");
  expect(skip).toHaveAttribute("aria-keyshortcuts", "K");
  await waitFor(() => expect(screen.getByRole("option", { name: /Image 1 of 2/ })).toHaveFocus());
  await userEvent.keyboard("[KeyK]");
  expect(screen.getByRole("option", { name: /Image 1 of 2.*: Skipped/ })).toBeVisible();
});

it("names the command that has the key already, and swaps", async () => {
  const dialog = await openKeys();
  await change(dialog, /^Skip: S/, { code: "KeyA" });
  expect(dialog.getByText("A is taken: Ask a reviewer.")).toBeVisible();
  await userEvent.click(dialog.getByRole("button", { name: "Swap" }));
  expect(dialog.getByRole("button", { name: /^Skip: A/ })).toHaveFocus();
  expect(dialog.getByRole("button", { name: /^Ask a reviewer: S/ })).toBeVisible();
  await userEvent.click(dialog.getByRole("button", { name: "Reset the key of: Skip" }));
  await userEvent.click(dialog.getByRole("button", { name: "Take it" }));
  expect(dialog.getByRole("button", { name: /^Skip: S/ })).toBeVisible();
  expect(dialog.getByRole("button", { name: /^Ask a reviewer: No key/ })).toBeVisible();
  await userEvent.click(dialog.getByRole("button", { name: "Reset all" }));
  expect(dialog.getByRole("button", { name: /^Ask a reviewer: A/ })).toBeVisible();
});

it("refuses in words what the browser or the input method keeps, and Esc changes nothing", async () => {
  const dialog = await openKeys();
  await change(dialog, /^Skip: S/, { code: "Space", key: " ", shiftKey: true });
  expect(dialog.getByText(/switches between Hangul and Latin/)).toBeVisible();
  const waiting = dialog.getByRole("button", { name: "Press a key" });
  fireEvent.keyDown(waiting, { code: "KeyT", ctrlKey: true });
  expect(dialog.getByText(/The browser or the system uses this one/)).toBeVisible();
  fireEvent.keyDown(waiting, { code: "Escape", key: "Escape" });
  expect(dialog.getByRole("button", { name: /^Skip: S/ })).toBeVisible();
  expect(screen.getByRole("dialog", { name: "Change keys" })).toBeVisible();
});

it("takes the single keys from everything at once, and leaves the buttons", async () => {
  const dialog = await openKeys();
  await userEvent.click(dialog.getByRole("switch", { name: "Keys without Ctrl, Alt or Cmd" }));
  await userEvent.click(dialog.getByRole("button", { name: "Close" }));
  const kitchen = await screen.findByRole("button", { name: "Kitchen" });
  expect(kitchen).not.toHaveAttribute("aria-keyshortcuts");
  expect(kitchen).toHaveTextContent(/^Kitchen$/);
  expect(screen.getByRole("button", { name: "Skip" })).toHaveTextContent(/^Skip$/);
  await userEvent.keyboard("[Digit1]");
  expect(screen.getByRole("option", { name: /Image 1 of 2.*: No label yet/ })).toBeVisible();
  await userEvent.click(kitchen);
  expect(screen.getByRole("option", { name: /Image 1 of 2.*: Kitchen/ })).toBeVisible();
});
