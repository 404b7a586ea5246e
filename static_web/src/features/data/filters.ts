/** Which images are wanted, as the address of the page has it: a view can be sent to somebody. */

export const states = [
  "labeled",
  "needs_review",
  "skipped",
  "leased",
  "available",
  "unreadable",
  "excluded",
  "all",
] as const;
export const kinds = ["manual", "prelabeled", "clustered"] as const;
export const verdicts = ["approved", "open"] as const;
export const suggestions = ["yes", "no"] as const;
export const consensuses = ["agreed", "disputed", "differing"] as const;
/** Whom images wait for that were sent back. */
export const returns = ["all", "same_labeler", "anyone"] as const;
export const flags = ["overwritten", "missing", "damaged"] as const;

type State = (typeof states)[number];

export function isFlag(name: string): name is (typeof flags)[number] {
  return flags.some((one) => one === name);
}

/** Empty: any. */
export interface Filters {
  state: State;
  class: string;
  labeler: string;
  kind: string;
  flag: string;
  approved: string;
  /** Only what is mixed in to see what people know: "yes". */
  honeypot: string;
  /** Only what waits for those with this tag. */
  waits_for: string;
  /** Only what several people labeled, and agree on or not; or where any differ, about the class if one is set. */
  consensus: (typeof consensuses)[number] | "";
  /** Only what the model disagrees with: "yes". */
  disagrees: string;
  /** Days (UTC): labeled since then, or a day after. */
  labeled_from: string;
  labeled_to: string;
  /** Whether a suggestion is shown with them. */
  suggested: string;
  /** Only what was sent back, and waits. */
  returned: (typeof returns)[number] | "";
  /** That of one image, as it was uploaded or whole. */
  path: string;
  /** A part of the path, in any case. */
  name: string;
}

/** What is looked at first: what is labeled. */
export const unfiltered: Filters = {
  state: "labeled",
  class: "",
  labeler: "",
  kind: "",
  flag: "",
  approved: "",
  honeypot: "",
  waits_for: "",
  consensus: "",
  disagrees: "",
  labeled_from: "",
  labeled_to: "",
  suggested: "",
  returned: "",
  path: "",
  name: "",
};

export function readFilters(search: string): Filters {
  const given = new URLSearchParams(search);
  const of = (name: string) => given.get(name) ?? "";
  const one = <T extends string>(values: readonly T[], value: string) =>
    values.find((known) => known === value);
  return {
    state: one(states, of("state")) ?? unfiltered.state,
    class: of("class"),
    labeler: of("labeler"),
    kind: one(kinds, of("kind")) ?? "",
    flag: one(flags, of("flag")) ?? "",
    approved: one(verdicts, of("approved")) ?? "",
    honeypot: of("honeypot") === "yes" ? "yes" : "",
    waits_for: of("waits_for"),
    consensus: one(consensuses, of("consensus")) ?? "",
    disagrees: of("disagrees") === "yes" ? "yes" : "",
    labeled_from: dayOf(of("labeled_from")),
    labeled_to: dayOf(of("labeled_to")),
    suggested: one(suggestions, of("suggested")) ?? "",
    returned: one(returns, of("returned")) ?? "",
    path: of("path"),
    name: of("name"),
  };
}

const dayOf = (text: string): string => /^\d{4}-\d\d-\d\d$/.exec(text)?.[0] ?? "";

/** The search of an address, with the image that is shown large, if any. */
export function writeFilters(filters: Partial<Filters>, item?: string): string {
  const entries = Object.entries(filters).filter(
    ([name, value]) => value !== unfiltered[name as keyof Filters],
  );
  const search = new URLSearchParams([...entries, ...(item ? [["item", item]] : [])]);
  return search.size ? `?${search}` : "";
}

export function readItem(search: string): string | null {
  return new URLSearchParams(search).get("item");
}

/** The same for the API. */
export function asQuery(filters: Filters) {
  return {
    ...(filters.state !== "all" && { state: filters.state }),
    ...(filters.class && { class_id: filters.class }),
    ...(filters.labeler && { labeler: filters.labeler }),
    ...(filters.kind && { kind: filters.kind }),
    ...(filters.flag && { flag: filters.flag }),
    ...(filters.approved && { approved: filters.approved === "approved" }),
    ...(filters.honeypot && { honeypot: true }),
    ...(filters.waits_for && { waits_for: filters.waits_for }),
    ...(filters.consensus && { consensus: filters.consensus }),
    ...(filters.disagrees && { disagrees: true }),
    ...(filters.labeled_from && { labeled_from: filters.labeled_from }),
    ...(filters.labeled_to && { labeled_to: filters.labeled_to }),
    ...(filters.suggested && { suggested: filters.suggested === "yes" }),
    ...(filters.returned && { returned: filters.returned }),
    ...(filters.path && { path: filters.path }),
    ...(filters.name.trim() && { name: filters.name.trim() }),
    labels: true,
  };
}

/** Whether the API looks through images one by one, for it keeps no list of these. */
export function isSearched(filters: Filters): boolean {
  if (filters.path) return false;
  return (
    filters.state === "available" ||
    Boolean(
      filters.class ||
      filters.labeler ||
      filters.kind ||
      filters.flag ||
      filters.approved ||
      filters.honeypot ||
      filters.waits_for ||
      filters.consensus ||
      filters.disagrees ||
      filters.labeled_from ||
      filters.labeled_to ||
      filters.suggested ||
      filters.returned ||
      filters.name.trim(),
    )
  );
}

/** Whether the newest come first, so that what is new is on top. */
export function isNewestFirst({ state, disagrees, path }: Filters): boolean {
  if (disagrees || path) return false;
  return ["labeled", "needs_review", "skipped", "unreadable", "excluded"].includes(state);
}
