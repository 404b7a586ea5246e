import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";

import { AgreementPanel } from "@/features/quality/AgreementPanel";

import { aProgress, aProject } from "./builders";
import { renderAt } from "./render";

const open = (agreement: ReturnType<typeof aProgress>["agreement"]) =>
  renderAt("/projects/p1", <AgreementPanel project={aProject()} />, {
    "GET /api/projects/p1/progress": aProgress({
      agreement,
      labelers: [
        {
          user: "ann",
          name: "Ann",
          labelings: 60,
          today: 4,
          today_active_ms: 9_000,
          prelabels: { accepted: 0, changed: 0, removed: 0, added: 0 },
        },
      ],
    }),
  });

const ALPHA = { alpha: 0.712, low: 0.64, high: 0.78, answers: 86 };

it("says how well people agree, in a number, in words and class by class", async () => {
  await open({
    agreed: 40,
    disputed: 3,
    coefficient: ALPHA,
    iou: null,
    classes: [
      {
        class_id: "c1",
        coefficient: { alpha: null, low: null, high: null, answers: 0 },
        found: null,
      },
    ],
    labelers: [{ user: "ann", share: 0.9, compared: 43 }],
  });

  expect(await screen.findByText(/0.71 \(0.64 to 0.78\).*Good enough for tentative/)).toBeVisible();
  const classes = screen.getByRole("table", { name: "By class" });
  expect(within(classes).getAllByRole("cell")[0]).toHaveTextContent("–");
});

it("leads to what people agree on, and to what they don't", async () => {
  await open({
    agreed: 40,
    disputed: 3,
    coefficient: ALPHA,
    iou: null,
    classes: [],
    labelers: [],
  });

  const address = "/projects/p1/data?state=all&consensus=";
  const agreed = await screen.findByRole("link", { name: "40, Agreed on" });
  expect(agreed).toHaveAttribute("href", `${address}agreed`);
  expect(screen.getByRole("link", { name: "3, Disputed" })).toHaveAttribute(
    "href",
    `${address}disputed`,
  );
});

it("leads from a person's count to the images they labeled", async () => {
  await open({
    agreed: 40,
    disputed: 3,
    coefficient: ALPHA,
    iou: null,
    classes: [],
    labelers: [{ user: "ann", share: 0.9, compared: 43 }],
  });

  const link = await screen.findByRole("link", { name: "43, Ann" });
  expect(link).toHaveAttribute("href", "/projects/p1/data?state=all&labeler=ann");
});

it("leads from a class and from a person to the images where people differ about them", async () => {
  await open({
    ...{ agreed: 40, disputed: 3, coefficient: ALPHA, iou: null },
    classes: [{ class_id: "c1", coefficient: ALPHA, found: 0.85 }],
    labelers: [{ user: "ann", share: 0.9, compared: 43 }],
  });

  const address = "/projects/p1/data?state=all&consensus=differing&";
  const alpha = await screen.findByRole("link", { name: /^0.71 .*differ about Kitchen$/ });
  expect(alpha).toHaveAttribute("href", `${address}class=c1`);
  const found = screen.getByRole("link", { name: /^85%, .*differ about Kitchen$/ });
  expect(found).toHaveAttribute("href", `${address}class=c1`);
  const share = screen.getByRole("link", { name: /^90%, images where Ann differs/ });
  expect(share).toHaveAttribute("href", `${address}labeler=ann`);
});

it("compares two people by Cohen's kappa, in words, and tells where they differ", async () => {
  await renderAt("/projects/p1", <AgreementPanel project={aProject()} />, {
    "GET /api/projects/p1/progress": aProgress({
      agreement: {
        ...{ agreed: 40, disputed: 3, coefficient: ALPHA, iou: null, classes: [] },
        labelers: ["ann", "ben"].map((user) => ({ user, share: 0.9, compared: 43 })),
      },
    }),
    "GET /api/projects/p1/agreement/ann/ben": {
      ...{ images: 43, sampled: false, differing: 10 },
      kappa: { kappa: 0.61, low: 0.4, high: 0.8, word: "substantial", answers: 43, agreed: 33 },
      differences: [{ first: "c1", second: "", count: 10 }],
      items: [
        {
          ...{ item_id: "i7", path: "b/7.jpg" },
          images: { thumbnail: "t", medium: "m", preview: "p", full: "f", expire_at: "2100" },
          differences: [{ first: "c1", second: "", count: 1 }],
        },
      ],
    },
  });

  await userEvent.selectOptions(await screen.findByRole("combobox", { name: "Compare" }), "ann");
  await userEvent.selectOptions(screen.getByRole("combobox", { name: "With" }), "ben");

  expect(await screen.findByText(/kappa: 0.61 \(0.4 to 0.8\).*Substantial/)).toBeVisible();
  expect(screen.getByRole("row", { name: "Kitchen Nothing 10" })).toBeVisible();
  await userEvent.click(screen.getByRole("button", { name: "See the 10 images they differ on" }));
  const dialog = await screen.findByRole("dialog");
  expect(within(dialog).getByRole("link", { name: "b/7.jpg" })).toHaveAttribute(
    "href",
    "/projects/p1/data?state=all&item=i7",
  );
  expect(within(dialog).getByText("Kitchen ≠ Nothing")).toBeVisible();
  expect(within(dialog).getByText("The first 1 of 10 images.")).toBeVisible();
});

it("shows nothing where nobody labels what somebody else does", async () => {
  await open(null);

  expect(screen.queryByText("Agreement")).toBeNull();
});
