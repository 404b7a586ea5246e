import type {
  Annotation,
  ClassList,
  Dataset,
  Export,
  Me,
  MyItem,
  Progress,
  Project,
  Task,
  TaskItem,
} from "@/api/types";
import type { Page } from "@/features/label/session/session";

/** All is exported, as it is. */
export const NO_CHOICE: Export["options"] = {
  azure: false,
  datastore: "",
  split: null,
  classes: [],
  rename: {},
  path: "",
  labelers: [],
  since: null,
  states: ["labeled"],
  labelings: "agreed",
  flat: false,
  images: "none",
};

export function anItem(itemId: string, change: Partial<TaskItem> = {}): TaskItem {
  return {
    item_id: itemId,
    revision: 3,
    path: `folder/${itemId}.jpg`,
    width: 1600,
    height: 1200,
    frames: 1,
    media: "jpeg",
    images: {
      thumbnail: "t",
      medium: "m",
      preview: "p",
      full: "f",
      expire_at: "2100-01-01T00:00:00Z",
    },
    annotations: null,
    outcome: null,
    reason: null,
    note: null,
    defaults: null,
    prelabel: null,
    returned: null,
    draft: null,
    ...change,
  };
}

export function aTask(taskId: string, items: TaskItem[], change: Partial<Task> = {}): Task {
  return {
    task_id: taskId,
    kind: "manual",
    state: "open",
    classes_version: 1,
    instructions_version: 1,
    lease: { until: "2100-01-01T00:00:00Z", renew_after_s: 240 },
    draft_seq: 0,
    items,
    ...change,
  };
}

export function aPerson(change: Partial<Me> = {}): Me {
  return {
    user: "u1",
    name: "Ada",
    provider: "aad",
    site_admin: false,
    token_project: null,
    token_role: null,
    seen_ms: 400,
    max_annotations: 10_000,
    max_labels_bytes: 752_640,
    ...change,
  };
}

export function aPage(items: TaskItem[], change: Partial<Page> = {}): Page {
  return {
    task: aTask("t1", []),
    items,
    work: {},
    unsent: new Set(),
    touched: false,
    seq: 0,
    order: 1,
    problems: {},
    problem: null,
    ...change,
  };
}

export function aTag(classId: string): Annotation {
  return {
    annotation_id: `a-${classId}`,
    class_id: classId,
    frame: 0,
    geometry: { kind: "tag" },
    attributes: {},
    origin: null,
  };
}

export function aProgress(change: Partial<Progress> = {}): Progress {
  return {
    at: "2026-11-20T09:00:00Z",
    state: "running",
    state_reason: "",
    total: 0,
    states: {},
    queues: {},
    classes: [],
    labelers: [],
    days: [],
    assigned: [],
    agreement: null,
    flags: {},
    over_limit: 0,
    refresh: null,
    ...change,
  };
}

export function aDataset(more: Partial<Dataset> = {}): Dataset {
  return {
    schema_version: 1,
    dataset_id: "d1",
    name: "Photos",
    description: "",
    source: { container: "datasets", pattern: "d1/**" },
    upload: true,
    created_at: "2026-11-20T09:00:00Z",
    created_by: "aad:ann",
    version: 1,
    ...more,
  };
}

export function aProject(change: Partial<Project> = {}): Project {
  return {
    project_id: "p1",
    name: "Rooms",
    task_type: "multiclass",
    dataset_id: "d1",
    source: null,
    classes: ["Kitchen", "Bath", "Bedroom"].map((name, at) => ({
      class_id: `c${at + 1}`,
      name,
      description: "",
      examples: [],
      attributes: [],
      colour: at,
      retired: false,
      merged_into: "",
    })),
    classes_version: 1,
    instructions: { text: "", link: "" },
    instructions_version: 1,
    state: "running",
    state_reason: "",
    incremental_refresh: true,
    overlap: { labelers: 1, share: 1, most: 1, quorum: 0.5, iou: 0.5, shape: "median" },
    twins: false,
    team: "",
    topics: [],
    honeypots: { rate: 0, limit: 0.7, after: 10, below: "nothing" },
    assignments: [],
    assist: {
      on: false,
      similar_first: true,
      fine_tune: "auto",
      first_labels: 300,
      next_labels: 300,
      precision: 0.95,
      confidence: 0.9,
      overlap: 0.5,
      strict: false,
      backbone: "efficientnet-lite0",
      blind_share: null,
      hours_a_month: null,
      clicks: false,
      dicom: false,
    },
    created_at: "2026-01-01T00:00:00Z",
    my_role: "labeler",
    version: 1,
    ...change,
  };
}

/** The classes of a project, their examples signed. */
export function signedClasses({ classes, classes_version }: Project): ClassList {
  const items = classes.map((one) => ({
    ...one,
    examples: one.examples.map((path) => ({
      path,
      url: `https://blobs/${path}`,
      expire_at: "2100-01-01T00:00:00Z",
    })),
  }));
  return { items, classes_version, next_cursor: null };
}

export function myItem(itemId: string, change: Partial<MyItem> = {}): MyItem {
  return {
    item_id: itemId,
    task_id: `t-${itemId}`,
    path: `folder/${itemId}.jpg`,
    width: 1600,
    height: 1200,
    images: {
      thumbnail: "t",
      medium: "m",
      preview: "p",
      full: "f",
      expire_at: "2100-01-01T00:00:00Z",
    },
    can_reopen: true,
    open: false,
    returned: null,
    outcome: "labeled",
    classes: [{ class_id: "c1", annotations: 1 }],
    reason: null,
    note: null,
    saved_at: "2026-11-20T09:00:00Z",
    active_ms: 1000,
    ...change,
  };
}
