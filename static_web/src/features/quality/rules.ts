import type { Assignment } from "@/api/types";

/** Whether a rule says for whom, and which images. */
export function isComplete(rule: Assignment): boolean {
  return Boolean(rule.tag.trim() && (rule.folder?.trim() || rule.class_id || rule.share));
}
