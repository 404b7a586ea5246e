/** The pages of a project, and who may open them: the API refuses the same. */
import type { Role } from "@/api/types";

export const tabs = ["dashboard", "data", "people", "details"] as const;
export type Tab = (typeof tabs)[number];

const may: Record<Tab, readonly Role[]> = {
  dashboard: ["labeler", "reviewer", "admin"],
  data: ["reviewer", "admin"],
  people: ["admin"],
  details: ["labeler", "reviewer", "admin"],
};

export function mayOpen(tab: Tab, role: Role): boolean {
  return may[tab].includes(role);
}

export function tabPath(projectId: string, tab: Tab): string {
  return `/projects/${projectId}${tab === "dashboard" ? "" : `/${tab}`}`;
}

export function isTab(text: string): text is Tab {
  return (tabs as readonly string[]).includes(text);
}
