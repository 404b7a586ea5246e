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
  /** Only what the model disagrees with: "yes". */
  disagrees: string;
  /** A day (UTC) since which they are labeled. */
  labeled_on: string;
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
  disagrees: "",
  labeled_on: "",
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
    disagrees: of("disagrees") === "yes" ? "yes" : "",
    labeled_on: /^\d{4}-\d\d-\d\d$/.exec(of("labeled_on"))?.[0] ?? "",
    name: of("name"),
  };
}

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
    ...(filters.disagrees && { disagrees: true }),
    ...(filters.labeled_on && { labeled_on: filters.labeled_on }),
    ...(filters.name.trim() && { name: filters.name.trim() }),
    labels: true,
  };
}

/** Whether the API looks through images one by one, for it keeps no list of these. */
export function isSearched(filters: Filters): boolean {
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
      filters.disagrees ||
      filters.labeled_on ||
      filters.name.trim(),
    )
  );
}

/** Whether the newest come first, so that what is new is on top. */
export function isNewestFirst({ state, disagrees }: Filters): boolean {
  if (disagrees) return false;
  return ["labeled", "needs_review", "skipped", "unreadable", "excluded"].includes(state);
}
