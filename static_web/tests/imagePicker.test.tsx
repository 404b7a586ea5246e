import { fireEvent, screen, within } from "@testing-library/react";
import { expect, it } from "vitest";

import { ImagePicker } from "@/upload/ImagePicker";

import { renderAt } from "./render";

it("names what will not be uploaded before anything is sent", async () => {
  await renderAt("/", <ImagePicker files={[]} disabled={false} onChange={() => undefined} />, {});

  const files = ["owl.png", "notes.txt", "film.mp4"].map((name) => new File(["x"], name));
  fireEvent.change(screen.getByTestId("file-input"), { target: { files } });

  const left = within(screen.getByTestId("files-skipped"));
  expect(left.getByText("Left out, since they are no images: 2")).toBeVisible();
  expect(left.getAllByRole("listitem", { hidden: true }).map((one) => one.textContent)).toEqual([
    "notes.txt",
    "film.mp4",
  ]);
});
