/** A project that is being thought up: kept over a reload, complete as soon as name, data and classes are there. */
import { useSyncExternalStore } from "react";

import { parseAddresses } from "@/addresses";
import type {
  Assignment,
  AssistSettings,
  HoneypotSettings,
  NewClass,
  Overlap,
  Project,
  Role,
  TaskType,
} from "@/api/types";
import { parseClasses, type ClassFault } from "@/classes";
import { isComplete } from "@/features/quality/rules";
import type { Chosen } from "@/upload/images";
import { areTopics, parseWords } from "@/words";

import { newAttempt, type Attempt } from "./create";

export const steps = [
  "details",
  "images",
  "classes",
  "instructions",
  "assist",
  "people",
  "summary",
] as const;
export type Step = (typeof steps)[number];

export const types = [
  "multiclass",
  "multilabel",
  "boxes",
  "polygons",
] as const satisfies TaskType[];

export interface Draft {
  name: string;
  team: string;
  /** With commas between. */
  topics: string;
  type: TaskType;
  /** Where the images are: to be uploaded, in a container, or named by a dataset that is there. */
  from: "upload" | "location" | "dataset";
  location: string;
  pattern: string;
  /** Where files are uploaded to; empty: the container that Labelry has for them. */
  container: string;
  /** Of the dataset that is made. */
  description: string;
  datasetId: string;
  refresh: boolean;
  classes: string;
  text: string;
  link: string;
  assist: AssistSettings;
  /** How many label an image; said in the details, and copied from there. */
  overlap: Overlap;
  /** Of the project that is copied. */
  honeypots: HoneypotSettings;
  twins: boolean;
  /** All of the classes of the project that this one is copied from, and where their examples are. */
  copied: { classes: NewClass[]; datasetId: string } | null;
  people: string;
  role: Role;
  /** Of all these people, with commas between. */
  tags: string;
  /** A class has no id yet: `class_id` is its name. */
  assignments: Assignment[];
}

export const blank: Draft = {
  name: "",
  team: "",
  topics: "",
  type: "multiclass",
  from: "upload",
  location: "",
  pattern: "**/*.*",
  container: "",
  description: "",
  datasetId: "",
  refresh: true,
  classes: "",
  text: "",
  link: "",
  assist: {
    on: false,
    similar_first: true,
    fine_tune: "auto",
    first_labels: 300,
    next_labels: 300,
    precision: 0.95,
    confidence: 0.9,
    backbone: "efficientnet-lite0",
    blind_share: null,
    overlap: 0.5,
    strict: false,
    hours_a_month: null,
    clicks: false,
    dicom: false,
  },
  overlap: { labelers: 1, share: 1, most: 1, quorum: 0.5, iou: 0.5, shape: "median" },
  honeypots: { rate: 0, limit: 0.7, after: 10, below: "nothing" },
  twins: false,
  copied: null,
  people: "",
  role: "labeler",
  tags: "",
  assignments: [],
};

export interface Work {
  draft: Draft;
  /** As long as the page lives: a browser lets no page keep them over a reload. */
  files: Chosen[];
  attempt: Attempt;
}

const KEPT = "labelry.newProject";
const fresh = (): Work => ({ draft: blank, files: [], attempt: newAttempt() });
let work: Work | null = null;
const listeners = new Set<() => void>();

function current(): Work {
  work ??= { ...fresh(), draft: kept() };
  return work;
}

function kept(): Draft {
  try {
    const found = JSON.parse(localStorage.getItem(KEPT) ?? "{}") as Partial<Draft>;
    return { ...blank, ...found };
  } catch {
    return blank;
  }
}

function put(next: Work): void {
  work = next;
  for (const listener of listeners) listener();
}

export function changeDraft(change: Partial<Draft>): void {
  const draft = { ...current().draft, ...change };
  localStorage.setItem(KEPT, JSON.stringify(draft));
  put({ ...current(), draft });
}

export function chooseFiles(files: Chosen[]): void {
  put({ ...current(), files });
}

/** Begins with nothing again. */
export function discard(): void {
  localStorage.removeItem(KEPT);
  put(fresh());
}

/** Reads what is kept anew, as a reload does. */
export function forgetPage(): void {
  work = null;
}

export function useWork(): Work {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, current);
}

/**
 * Begins with another project's type, images, classes with all that is said of them, instructions and settings,
 * without its people.
 * Whether it did: a draft that was begun stays, unless this replaces it.
 */
export function copyOf(project: Project, replaces: boolean): boolean {
  if (!replaces && !isBlank(current())) return false;
  discard();
  const classes = project.classes.filter((one) => !one.merged_into && !one.retired);
  changeDraft({
    name: `${project.name} (2)`,
    team: project.team,
    topics: project.topics.join(", "),
    type: project.task_type,
    from: "dataset",
    datasetId: project.dataset_id,
    refresh: project.incremental_refresh,
    classes: classes.map((one) => one.name).join("\n"),
    copied: {
      datasetId: project.dataset_id,
      classes: classes.map(({ name, description, examples, attributes, colour }) => ({
        ...{ name, description, examples, attributes, colour },
      })),
    },
    overlap: project.overlap,
    honeypots: project.honeypots ?? blank.honeypots,
    twins: project.twins,
    assignments: rulesByName(project),
    text: project.instructions.text,
    link: project.instructions.link,
    assist: project.assist,
  });
  return true;
}

/** The rules of a project, without those of classes that a copy does not have. */
function rulesByName({ assignments, classes }: Project): Assignment[] {
  const of = (id: string) => classes.find((one) => one.class_id === id);
  return (assignments ?? []).flatMap((rule) => {
    if (rule.class_id === null) return [rule];
    const known = of(rule.class_id);
    const named = known?.merged_into ? of(known.merged_into) : known;
    return named && !named.retired ? [{ ...rule, class_id: named.name }] : [];
  });
}

export function isBlank({ draft, files }: Work): boolean {
  return !files.length && JSON.stringify(draft) === JSON.stringify(blank);
}

/** Why it can't be created yet, each with the step that mends it. */
export type Missing =
  | {
      step: Step;
      why:
        | "name"
        | "topics"
        | "files"
        | "location"
        | "dataset"
        | "twoClasses"
        | "oneClass"
        | "link"
        | "rule";
    }
  | { step: Step; why: "class"; line: number; text: string; fault: ClassFault }
  | { step: Step; why: "address" | "ruleClass"; text: string };

export function missingOf({ draft, files }: Work): Missing[] {
  const missing: Missing[] = [];
  if (!draft.name.trim()) missing.push({ step: "details", why: "name" });
  if (!areTopics(parseWords(draft.topics))) missing.push({ step: "details", why: "topics" });
  if (draft.from === "upload" && !files.length) missing.push({ step: "images", why: "files" });
  if (draft.from === "location" && !draft.location)
    missing.push({ step: "images", why: "location" });
  if (draft.from === "dataset" && !draft.datasetId)
    missing.push({ step: "images", why: "dataset" });
  const { names, faults } = parseClasses(draft.classes);
  const [fault] = faults;
  if (fault) missing.push({ step: "classes", why: "class", ...fault });
  else if (!names.length && hasShapes(draft.type))
    missing.push({ step: "classes", why: "oneClass" });
  else if (names.length < 2 && !hasShapes(draft.type))
    missing.push({ step: "classes", why: "twoClasses" });
  if (draft.link.trim() && !isWebAddress(draft.link))
    missing.push({ step: "instructions", why: "link" });
  const { bad } = parseAddresses(draft.people);
  if (bad.length) missing.push({ step: "people", why: "address", text: bad.join(", ") });
  if (!draft.assignments.every(isComplete)) missing.push({ step: "people", why: "rule" });
  const gone = draft.assignments.find(({ class_id }) => class_id && !names.includes(class_id));
  if (gone?.class_id) missing.push({ step: "people", why: "ruleClass", text: gone.class_id });
  return missing;
}

export function hasShapes(type: TaskType): boolean {
  return type === "boxes" || type === "polygons";
}

function isWebAddress(text: string): boolean {
  const protocol = URL.parse(text.trim())?.protocol;
  return protocol === "https:" || protocol === "http:";
}
