import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useState, type ReactNode } from "react";
import { expect, it } from "vitest";

import type { Attribute } from "@/api/types";
import { AttributesField } from "@/features/projects/AttributesField";

import { renderAt } from "./render";

const asked = (name: string): Attribute => ({ name, kind: "text", required: false, choices: [] });

function Editor(): ReactNode {
  const [attributes, setAttributes] = useState([asked("pose"), asked("mood")]);
  return <AttributesField attributes={attributes} problem={undefined} onChange={setAttributes} />;
}

it("ticks the box whose words are clicked, not the first control there is", async () => {
  await renderAt("/", <Editor />, {});

  const words = screen.getAllByText("Required");
  await userEvent.click(words[1] as HTMLElement);

  const boxes = screen.getAllByRole<HTMLInputElement>("checkbox");
  expect(boxes.map((box) => box.checked)).toEqual([false, true]);
});
