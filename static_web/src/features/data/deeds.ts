import type { NewSweep } from "@/api/types";

/** What labels shall be instead of what they are. */
export type Restating = Extract<NewSweep["do"], { what: "relabel" | "revert" }>;

/** What a reviewer does with images. */
export type Deed =
  | Restating
  | { what: "approve" }
  | { what: "accept" }
  | { what: "first" }
  | { what: "leave_out"; reason: string }
  | { what: "pose" | "unpose" }
  | { what: "answer"; answer: string }
  | { what: "reject"; reason: string; to: "anyone" | "same_labeler" };

/** Whether something can be done with an image in its state. */
export function canBe(
  what: Deed["what"],
  {
    state,
    approved,
    flag,
    honeypot,
  }: { state: string; approved: string; flag: string; honeypot: boolean },
) {
  // Nobody asked about an image that was replaced: whether its labels still fit is the question.
  const replaced = state === "needs_review" && flag === "overwritten";
  switch (what) {
    case "approve":
      return (state === "labeled" || replaced) && !approved;
    case "relabel":
      return state === "labeled";
    case "pose":
      return state === "labeled" && !honeypot;
    case "unpose":
      return honeypot;
    case "revert":
      return ["labeled", "skipped", "needs_review", "available"].includes(state);
    case "first":
      return state === "available";
    case "leave_out":
      return ["labeled", "needs_review", "available"].includes(state);
    case "accept":
      return state === "skipped";
    case "answer":
      return state === "needs_review" && !replaced;
    case "reject":
      return ["labeled", "skipped", "needs_review", "excluded"].includes(state);
  }
}
