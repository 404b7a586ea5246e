import type { TFunction } from "i18next";

import type { LabelClass } from "@/api/types";

import type { Work } from "./session";

/** Why an image is skipped, most often; what is stored. Other reasons are stored as they were typed. */
export const skipReasons = ["blurred", "wrong_subject", "cannot_tell"] as const;

/** What is decided about an image, in words. */
export function describeWork(
  t: TFunction,
  work: Work | undefined,
  classes: readonly LabelClass[],
): string {
  if (!work?.outcome)
    return work?.suggestions.length
      ? t("label.suggested", { classes: namesOf(work.suggestions, classes) })
      : t("label.open");
  if (work.outcome === "skipped") return describeReason(t, work.reason);
  const names = namesOf(work.annotations, classes);
  if (work.outcome === "needs_review")
    return [t("label.asked"), work.note, names].filter(Boolean).join(", ");
  return names || t("label.nothing");
}

export function describeReason(t: TFunction, reason: string | null): string {
  if (!reason) return t("label.skipped");
  const known = skipReasons.find((one) => one === reason);
  return t("label.skippedFor", { why: known ? t(`label.reasons.${known}`) : reason });
}

/** That an image came back to be labeled again, and why where somebody wrote it. */
export function describeReturn(t: TFunction, reason: string): string {
  return reason ? t("label.returned", { why: reason }) : t("label.again");
}

export function percent(part: number, language: string): string {
  return new Intl.NumberFormat(language, { style: "percent" }).format(part);
}

function namesOf(tags: readonly { class_id: string }[], classes: readonly LabelClass[]): string {
  return tags
    .map((one) => classes.find(({ class_id }) => class_id === one.class_id)?.name ?? one.class_id)
    .join(", ");
}
