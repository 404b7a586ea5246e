/** What changed from one version of an image's labels to the next, by class. */
import type { Annotation } from "@/api/types";

export interface Change {
  classId: string;
  what: "added" | "removed" | "changed";
  count: number;
}

export function difference(before: readonly Annotation[], after: readonly Annotation[]): Change[] {
  const former = new Map(before.map((one) => [one.annotation_id, one]));
  const now = new Set(after.map((one) => one.annotation_id));
  const counts = new Map<string, Change>();
  const count = (classId: string, what: Change["what"]) => {
    const key = `${what} ${classId}`;
    const known = counts.get(key) ?? { classId, what, count: 0 };
    counts.set(key, { ...known, count: known.count + 1 });
  };
  for (const one of after) {
    const old = former.get(one.annotation_id);
    if (!old) count(one.class_id, "added");
    else if (said(old) !== said(one)) count(one.class_id, "changed");
  }
  for (const one of before) if (!now.has(one.annotation_id)) count(one.class_id, "removed");
  return [...counts.values()];
}

function said({ class_id, frame, geometry }: Annotation): string {
  return JSON.stringify([class_id, frame, geometry]);
}
