import type { TFunction } from "i18next";

import type { LabelClass } from "@/api/types";

import type { Work } from "./session";

/** What is decided about an image, in words. */
export function describeWork(
  t: TFunction,
  work: Work | undefined,
  classes: readonly LabelClass[],
): string {
  if (!work?.outcome) return t("label.open");
  if (work.outcome === "skipped") return t("label.skipped");
  if (work.outcome === "needs_review") return t("label.asked");
  const names = work.annotations.map(
    (one) => classes.find(({ class_id }) => class_id === one.class_id)?.name ?? one.class_id,
  );
  return names.join(", ") || t("label.nothing");
}
