/** An API in memory, to look at pages without a backend: `npm run dev:fake`. Nobody else uses it. */
import type { IncomingMessage, ServerResponse } from "node:http";

import type { Connect, Plugin } from "vite";

import type {
  Annotation,
  ApiToken,
  Container,
  DraftItem,
  Export,
  ExportFormat,
  LabelClass,
  Member,
  MyItem,
  Project,
  ProjectChange,
  Submission,
  Task,
  TaskItem,
  TaskType,
} from "../src/api/types";
import { aDataset, NO_CHOICE } from "./builders";

interface FakeProject {
  project: Project;
  total: number;
  given: number;
  saved: Map<string, { outcome: string; classes: string[] }>;
  open: Map<string, Task>;
  exports: Export[];
  mine: MyItem[];
  members: Member[];
  /** When its files were last looked for. */
  refreshed: string;
}

const aFormat = (
  name: string,
  title: string,
  file: string,
  loses: ExportFormat["loses"],
  options: ExportFormat["options"] = [],
): ExportFormat => ({
  name,
  title,
  writes: true,
  reads: false,
  files: [`${name}/${file}`],
  task_types: ["multiclass", "multilabel", "boxes", "polygons"],
  loses,
  samples: { multiclass: `open("${name}/${file}")\n`, boxes: `open("${name}/${file}")\n` },
  options: [...options, "classes", "rename", "path", "labelers", "since", "states", "images"],
});
const FORMATS = [
  aFormat(
    "coco",
    "COCO",
    "annotations.json",
    ["frames", "notes"],
    ["azure", "datastore", "labelings"],
  ),
  aFormat("azureml", "Azure ML (JSONL, MLTable)", "labels.jsonl", ["holes"], ["datastore"]),
  aFormat("yolo", "YOLO", "labels.zip", ["parts", "holes"], ["split"]),
];
/** What was labeled, in parts of so much on each of the last days, the first one first. */
const DAYS = [4, 9, 22, 18, 0, 0, 30, 17];
const TOPICS = [
  "2024",
  "계절 변화",
  "From the camera on the north bank, twice",
  ...Array.from({ length: 9 }, (_, at) => `Batch ${at + 1}`),
];
const nothing = { accepted: 0, changed: 0, removed: 0, added: 0 };
const LABELERS = [
  { user: "u2", name: "Lee Jun", labelings: 904, today: 212, today_active_ms: 2_650_000 },
  { user: "u3", name: "bora@example.com", labelings: 584, today: 0, today_active_ms: 0 },
].map((one) => ({ ...one, prelabels: nothing }));
const LEASE_MS = 30 * 60_000;
const projects = new Map<string, FakeProject>();
const daysFromNow = (days: number) => new Date(Date.now() + days * 24 * 3_600_000).toISOString();
const aToken = (more: Partial<ApiToken>): ApiToken => ({
  token_id: "t1",
  name: "Nightly export",
  project_id: null,
  role: "reviewer",
  site_admin: false,
  created_at: daysFromNow(-40),
  expires_at: daysFromNow(325),
  used_at: null,
  expired: false,
  ...more,
});
let apiTokens = [
  aToken({ used_at: daysFromNow(-0.4) }),
  inDays(aToken({ token_id: "t2", name: "Camera upload", role: "admin" }), -3),
];
const deleted = new Map<string, FakeProject>();
let signedIn = true;
let described = "By the pond, spring to autumn, from the camera on the north bank.";
const photosOf = (id: string) =>
  aDataset({
    dataset_id: id,
    name: "Photos of 2024",
    description: described,
    source: { container: "datasets", pattern: `${id}/**` },
  });

const SIZES = [
  { width: 1600, height: 1200 },
  { width: 1600, height: 1067 },
  { width: 1200, height: 1600 },
  { width: 1600, height: 900 },
];

function add(
  id: string,
  name: string,
  type: TaskType,
  classes: string[],
  total: number,
  done: number,
) {
  const project: Project = {
    project_id: id,
    name,
    task_type: type,
    dataset_id: `d-${id}`,
    source: { container: "datasets", pattern: `d-${id}/**` },
    classes: classes.map((one, at) => ({
      class_id: `c${at + 1}`,
      name: one,
      description: "",
      examples: [],
      attributes: [],
      colour: at,
      retired: false,
      merged_into: "",
    })),
    classes_version: 1,
    instructions: {
      text: "Choose what the picture shows first of all.\nWhen in doubt, ask a reviewer.",
      link: "https://example.org/guide",
    },
    instructions_version: 1,
    state: "running",
    state_reason: "",
    incremental_refresh: true,
    overlap: { labelers: 1, share: 1, most: 1, quorum: 0.5, iou: 0.5, shape: "median" },
    twins: false,
    team: id === "traffic" ? "" : "Field work",
    topics: TOPICS.slice(0, id === "birds" ? 12 : name.length % 3),
    honeypots: { rate: 0, limit: 0.7, after: 10, below: "nothing" },
    assignments: [
      { tag: "Radiologist", folder: "clinic/x-rays", class_id: null, share: null },
      { tag: "Night shift", folder: null, class_id: null, share: 0.1 },
    ],
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
    created_at: "2026-11-20T09:00:00Z",
    my_role: "admin",
    version: 1,
  };
  const saved = new Map(
    Array.from({ length: done }, (_, at) => [
      `old-${at}`,
      {
        outcome: at % 40 === 7 ? "skipped" : at % 60 === 9 ? "needs_review" : "labeled",
        classes: [`c${(Math.floor(Math.sqrt(at * 7)) % classes.length) + 1}`],
      },
    ]),
  );
  const members: Member[] = [
    { member_id: "invited:x1", role: "labeler", name: "bora@example.com", tags: [], invited: true },
    { member_id: "u2", role: "reviewer", name: "Lee Jun", tags: ["Radiologist"], invited: false },
    { member_id: "u1", role: "admin", name: "Kim Minji", tags: [], invited: false },
  ];
  projects.set(id, {
    project,
    total,
    given: done,
    saved,
    open: new Map(),
    exports: [],
    mine: [],
    members,
    refreshed: "2026-11-20T09:00:20Z",
  });
}

add(
  "rooms",
  "Rooms 2024",
  "multiclass",
  ["Kitchen", "Bathroom", "Bedroom", "Outdoor/Balcony", "Outdoor/Garden", "Hallway"],
  2_400,
  1_488,
);
add(
  "street",
  "거리 풍경",
  "multilabel",
  [
    "사람",
    "차량/승용차",
    "차량/버스",
    "차량/자전거",
    "신호등",
    "나무",
    "건물",
    "표지판",
    "가로등",
    "횡단보도",
    "벤치",
    "고양이",
    "강아지",
    "하늘",
  ],
  9_000,
  830,
);
add("traffic", "Traffic cameras", "boxes", ["Car", "Truck", "Bus"], 5_200, 0);
add("small", "Ripe or not", "multiclass", ["Ripe", "Unripe"], 12, 12);
add("leaves", "Leaves", "polygons", ["Leaf", "Stem"], 640, 0);
add("paused", "Leaves, autumn batch", "polygons", ["Leaf", "Stem"], 640, 410);
const birds = Array.from(
  { length: 60 },
  (_, at) => `Birds/Family ${(at % 6) + 1}/Species ${at + 1}`,
);
add("birds", "Birds, sixty species", "multiclass", birds, 600, 40);

/** What labelers read about classes: the first project has all of it, the street some. */
function explain(id: string, about: (one: LabelClass, at: number) => Partial<LabelClass>) {
  const fake = projects.get(id);
  if (!fake) return;
  const classes = fake.project.classes.map((one, at) => ({ ...one, ...about(one, at) }));
  fake.project = { ...fake.project, classes };
}
explain("rooms", (one, at) => ({
  description:
    [
      "A stove or a sink with worktops. A kitchenette in a living room counts too.",
      "A bathtub, a shower or a toilet.",
      "A bed is what counts, not the size of the room.",
      "Seen from outside or from the room, as long as the balcony fills half of the picture.",
    ][at] ?? "",
  examples: Array.from(
    { length: [3, 2, 3, 1][at] ?? 0 },
    (_, n) => `guide/${one.class_id}-${n}.jpg`,
  ),
}));
explain("street", (_, at) => ({
  description: at % 3 ? "" : "화면의 절반 이상 보이면 선택하세요.",
}));
explain("birds", (one, at) => ({
  description: at % 4 ? "" : "Mind the bar on the wing.",
  examples: Array.from({ length: (at % 4) - 0 }, (_, n) => `guide/${one.class_id}-${n}.jpg`),
}));

for (const { project, mine } of projects.values())
  for (let at = 0; at < 14; at += 1) {
    const item = `old-${project.project_id}-${at}`;
    const outcome = at === 5 ? "skipped" : at === 9 ? "needs_review" : "labeled";
    const uses = project.classes.filter(
      (_, place) => place === at % project.classes.length || (at % 5 === 2 && place < 3),
    );
    const many = project.task_type === "multiclass" ? uses.slice(-1) : uses;
    const reason = "The balcony is in front, not the room behind it.";
    mine.push({
      item_id: item,
      task_id: `done-${at}`,
      path: `2024/batch-0/IMG_${3900 + at}.jpg`,
      ...sizeOf(item),
      images: links(item),
      can_reopen: at > 2,
      open: at === 2,
      returned: at < 2 ? { reason, at: new Date().toISOString(), starts_over: false } : null,
      outcome,
      classes:
        outcome === "labeled"
          ? many.map((one) => ({
              class_id: one.class_id,
              annotations: project.task_type === "boxes" ? at : 1,
            }))
          : [],
      reason: null,
      note: null,
      saved_at: new Date(Date.now() - at * 47 * 60_000).toISOString(),
      active_ms: 4_000,
    });
  }

const paused = projects.get("paused");
if (paused) paused.project = { ...paused.project, state: "paused" };

export function fakeApi(): Plugin {
  return {
    name: "fake-api",
    configureServer: (server) => void server.middlewares.use(answerOrPass),
    configurePreviewServer: (server) => void server.middlewares.use(answerOrPass),
  };
}

const answerOrPass: Connect.NextHandleFunction = (request, response, next) => {
  const url = new URL(request.url ?? "/", "http://fake");
  if (url.pathname === "/.auth/login/aad" || url.pathname === "/.auth/logout") {
    signedIn = url.pathname.endsWith("aad");
    response.writeHead(302, { Location: "/" }).end();
  } else if (url.pathname === "/fake-begin") {
    // As if nobody had been here: all of it is free again. Tests begin with it.
    signedIn = true;
    for (const [id, fake] of deleted) projects.set(id, fake);
    deleted.clear();
    for (const fake of projects.values()) {
      fake.open.clear();
      fake.saved.clear();
      fake.given = 0;
    }
    response.writeHead(204).end();
  } else if (url.pathname === "/fake-image") picture(url, response);
  else if (url.pathname.startsWith("/fake-blob/")) {
    request.resume();
    request.on("end", () => setTimeout(() => response.writeHead(201).end(), 150));
  } else if (url.pathname.startsWith("/api/")) void answer(url, request, response);
  else next();
};

async function answer(url: URL, request: IncomingMessage, response: ServerResponse) {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  const body = (text ? JSON.parse(text) : {}) as never;
  const [status, data] = route(request.method ?? "GET", url.pathname.slice(5), body, request, url);
  const type = status < 400 ? "application/json" : "application/problem+json";
  response.writeHead(status, { "Content-Type": type }).end(data && JSON.stringify(data));
}

function route(
  method: string,
  path: string,
  body: never,
  request: IncomingMessage,
  url: URL,
): [number, unknown] {
  if (!signedIn) return [401, { type: "unauthenticated", detail: "nobody is signed in" }];
  const [noun, id, verb, taskId, taskVerb] = path.split("/");
  if (path === "me")
    return [
      200,
      {
        user: "u1",
        name: "Kim Minji",
        provider: "aad",
        site_admin: true,
        token_project: null,
        token_role: null,
        seen_ms: 400,
        max_annotations: 10_000,
        max_labels_bytes: 752_640,
      },
    ];
  if (path === "formats") return [200, { items: FORMATS }];
  if (path === "storage/accounts")
    return [
      200,
      {
        items: [
          { account: "labelry", own: true, containers: ["datasets", "photos"], problem: "" },
          { account: "archive", own: false, containers: ["archive/scans"], problem: "" },
        ],
      },
    ];
  if (path === "datasets" && method === "GET") return [200, { items: [photosOf("d-p1")] }];
  if (path === "datasets")
    return [201, { ...photosOf("d-new"), ...(body as { name: string; description: string }) }];
  if (noun === "datasets" && verb === "uploads") {
    const { files } = body as { files: { path: string }[] };
    return [
      200,
      {
        uploads: files.map(({ path: one }) =>
          one.endsWith(".tif")
            ? {
                path: one,
                url: null,
                refused: "this format can't be labeled yet; use jpg, png or bmp",
                exists: false,
              }
            : {
                path: one,
                url: `http://${request.headers.host ?? ""}/fake-blob/${encodeURIComponent(one)}`,
                refused: null,
                exists: false,
              },
        ),
      },
    ];
  }
  if (path === "projects" && method === "GET")
    return [200, { items: [...projects.values()].map(line), next_cursor: null }];
  if (path === "projects") {
    const made = body as { name: string; task_type: TaskType; classes: { name: string }[] };
    if ([...projects.values()].some(({ project }) => project.name === made.name))
      return [
        422,
        {
          type: "invalid",
          detail: "taken",
          errors: [
            {
              pointer: "/name",
              code: "taken",
              detail: "a project has had this name; choose another",
            },
          ],
        },
      ];
    add(
      "new",
      made.name,
      made.task_type,
      made.classes.map(({ name }) => name),
      120,
      0,
    );
    return [201, projects.get("new")?.project];
  }
  if (path === "datasets/preview")
    return [200, { images: 120, bytes: 4_600_000, skipped: [], first: [], more: false }];
  if (noun === "datasets") {
    if (method === "PATCH") described = (body as { description: string }).description;
    return [200, photosOf(id ?? "")];
  }
  if (path === "deleted_projects")
    return [
      200,
      {
        items: [...deleted.values()].map(({ project }) => ({
          project_id: project.project_id,
          name: project.name,
          task_type: project.task_type,
          deleted_at: new Date().toISOString(),
        })),
      },
    ];
  if (noun === "deleted_projects") {
    const back = deleted.get(id ?? "");
    if (!back) return [404, { type: "not-found", detail: "no such project was deleted" }];
    deleted.delete(back.project.project_id);
    projects.set(back.project.project_id, back);
    back.project = { ...back.project, state: "paused" };
    return [200, back.project];
  }
  if (path === "tokens") {
    const made = aToken({ ...(body as object), token_id: `t${apiTokens.length + 1}` });
    apiTokens = [...apiTokens, made];
    return [201, { ...made, secret: "lbl_fake" }];
  }
  if (noun === "tokens") {
    apiTokens = apiTokens.map((one) => (one.token_id === id ? inDays(one, 365) : one));
    return [200, apiTokens.find((one) => one.token_id === id)];
  }
  const fake = projects.get(id ?? "");
  if (!fake)
    return [
      404,
      { type: "not-found", detail: "there is no such project, or you are not a member of it" },
    ];
  if (!verb && method === "PATCH") return patch(fake, body, request);
  if (!verb && method === "DELETE") {
    projects.delete(fake.project.project_id);
    deleted.set(fake.project.project_id, fake);
    return [204, undefined];
  }
  if (!verb) return [200, fake.project];
  if (verb === "refresh") {
    fake.refreshed = new Date().toISOString();
    return [202, { refresh: refresh(fake) }];
  }
  if (verb === "pause" || verb === "resume") {
    fake.project = { ...fake.project, state: verb === "pause" ? "paused" : "running" };
    return [200, fake.project];
  }
  if (verb === "containers")
    return [200, { images: containerOf("datasets"), exports: containerOf("exports") }];
  if (verb === "progress") return [200, progress(fake)];
  if (verb === "classes") return classesOf(fake, method, taskId, body, request);
  if (verb === "items" && taskId) return disputed(fake, taskId, taskVerb, method);
  if (verb === "items") return [200, items(fake, url)];
  if (verb === "leases")
    return [
      200,
      {
        items: [
          {
            task_id: "t9",
            user: "u2",
            item_ids: ["i1", "i2", "i3", "i4"],
            until: new Date(Date.now() + LEASE_MS).toISOString(),
          },
        ],
      },
    ];
  if (verb === "honeypots" && !taskId) return [200, { honeypots: 24, people: KNOWING }];
  if (verb === "honeypots") return [200, { user: "u2", name: "Bob", standing: "", items: [] }];
  if (verb === "runs") return [200, { items: [], next_cursor: null }];
  if (verb === "assist")
    return [
      200,
      {
        settings: fake.project.assist,
        new_labels: 120,
        needed: fake.project.assist.first_labels,
        trainings: 0,
        model_id: "",
        suggests: false,
        active: [],
      },
    ];
  if (verb === "mine") return [200, myWork(fake)];
  if (verb === "tokens" && method === "DELETE") {
    apiTokens = apiTokens.filter((one) => one.token_id !== taskId);
    return [204, null];
  }
  if (verb === "tokens") return [200, { items: apiTokens }];
  if (verb === "members" || verb === "invitations") return people(fake, method, taskId, body);
  if (verb === "exports") return exporting(fake, method, body, taskId);
  if (verb === "images")
    return [
      200,
      {
        images: Object.fromEntries(
          (body as { item_ids: string[] }).item_ids.map((one) => [one, links(one)]),
        ),
      },
    ];
  if (verb !== "tasks") return [404, { detail: "not faked" }];
  if (!taskId && method === "GET")
    return [200, { items: [...fake.open.values()], recent: [], next_cursor: null }];
  if (!taskId) return [200, handOut(fake, (body as { size: number }).size)];
  if (taskVerb === "reopen") return [200, reopen(fake, (body as { items: string[] }).items)];
  const task = fake.open.get(taskId);
  if (taskVerb === "submit") return [200, submit(fake, task, body)];
  if (taskVerb === "draft" && task) {
    const { items, seq } = body as { items: DraftItem[]; seq: number };
    task.draft_seq = seq;
    for (const item of task.items)
      item.draft = items.find((one) => one.item_id === item.item_id) ?? item.draft;
    return [200, { seq, lease: task.lease }];
  }
  if (taskVerb === "release") fake.open.delete(taskId);
  return [200, { lease: task?.lease }];
}

const KNOWING = [
  {
    user: "u2",
    name: "Bob",
    answers: 18,
    accuracy: 0.44,
    low: 0.25,
    high: 0.66,
    standing: "paused",
    days: [
      { day: "2026-11-27", answers: 10, accuracy: 0.6 },
      { day: "2026-11-28", answers: 8, accuracy: 0.25 },
    ],
  },
  {
    user: "u1",
    name: "Ada",
    answers: 31,
    accuracy: 0.97,
    low: 0.84,
    high: 0.99,
    standing: "",
    days: [{ day: "2026-11-28", answers: 31, accuracy: 0.97 }],
  },
];

function patch(
  fake: FakeProject,
  { instructions, incremental_refresh: refreshes, assist }: ProjectChange,
  request: IncomingMessage,
): [number, unknown] {
  const { project } = fake;
  if (request.headers["if-match"] !== `"${project.version}"`)
    return [412, { type: "precondition-failed", detail: "somebody changed this project" }];
  const given = Object.entries(assist ?? {}).filter(([, value]) => value !== null);
  fake.project = {
    ...project,
    instructions: instructions ? instructions : project.instructions,
    incremental_refresh: refreshes ?? project.incremental_refresh,
    assist: { ...project.assist, ...Object.fromEntries(given) },
    version: project.version + 1,
  };
  return [200, fake.project];
}

function refresh({ project, total, refreshed }: FakeProject) {
  return {
    refresh_id: "r1",
    state: "done",
    problem: project.project_id === "paused" ? "the container could not be listed: no answer" : "",
    started_at: refreshed,
    finished_at: refreshed,
    images: total,
    new: 0,
    changed: 2,
    missing: 1,
    skipped: {},
  };
}

function classesOf(
  fake: FakeProject,
  method: string,
  classId: string | undefined,
  body: never,
  request: IncomingMessage,
): [number, unknown] {
  const { project } = fake;
  let { classes } = project;
  const sent = body as Partial<LabelClass> & { classes?: LabelClass[] };
  if (method === "PATCH" && request.headers["if-match"] !== `"${project.classes_version}"`)
    return [412, { type: "precondition-failed", detail: "somebody changed the classes" }];
  if (method === "PATCH")
    classes = classes.map((one) =>
      one.class_id === classId
        ? {
            ...one,
            name: sent.name ?? one.name,
            description: sent.description ?? one.description,
            examples: sent.examples ?? one.examples,
          }
        : one,
    );
  if (method === "POST")
    classes = [
      ...classes,
      ...(sent.classes ?? []).map((one, at) => ({
        ...one,
        class_id: `c${project.classes.length + at + 1}`,
      })),
    ];
  if (method !== "GET")
    fake.project = { ...project, classes, classes_version: project.classes_version + 1 };
  const items = classes.map((one) => ({
    ...one,
    examples: one.examples.map((path) => ({
      path,
      url: `/fake-image?item=${path}&w=400`,
      expire_at: new Date(Date.now() + 3_600_000).toISOString(),
    })),
  }));
  return [200, { items, classes_version: fake.project.classes_version, next_cursor: null }];
}

function items({ project }: FakeProject, url: URL) {
  const wanted = url.searchParams.get("path");
  const first = Number(url.searchParams.get("cursor") ?? 0);
  const size = Number(url.searchParams.get("limit") ?? 50);
  const paths = Array.from({ length: 120 }, (_, at) => `2024/batch-0/IMG_${4000 + at}.jpg`);
  const shown = wanted ? paths.filter((path) => path === wanted) : paths.slice(first, first + size);
  return {
    items: shown.map((path) => ({
      item_id: path,
      path,
      state: "available",
      kind: "manual",
      revision: 0,
      ...sizeOf(path),
      media: "jpeg",
      flag: "",
      reason: "",
      classes: [],
      labelers: [],
      changed_at: project.created_at,
      images: links(path),
    })),
    next_cursor: wanted || first + size >= paths.length ? null : String(first + size),
  };
}

/** An image about which three people disagree: `items/disputed`. */
function disputed(
  { project }: FakeProject,
  item: string,
  what: string | undefined,
  method: string,
): [number, unknown] {
  if (item !== "disputed") return [404, { type: "not-found", detail: "there is no such image" }];
  if (method === "POST") return [200, { item_id: item, status: "done" }];
  const saved_at = "2026-11-27T09:00:00Z";
  const answers = answersOf(project.task_type);
  const people = ["Lee Jun", "bora@example.com", "Ann"].map((name, at) => ({
    labeler: `u${at + 2}`,
    name,
    outcome: "labeled",
    annotations: answers[at] ?? [],
    shared: ["s"],
    note: at === 1 ? "The one behind is cut off: does it count?" : null,
    saved_at,
  }));
  if (what === "opinions") {
    const shared = answers[0]?.filter((one) => one.annotation_id === "s") ?? [];
    return [200, { items: people, merged: shared.length ? shared : null }];
  }
  if (what === "history")
    return [
      200,
      {
        names: Object.fromEntries(people.map((one) => [one.labeler, one.name])),
        items: [
          ...people.map(({ labeler, annotations }, at) => ({
            ...{ revision: at + 1, what: "submitted", by: labeler, at: saved_at, reason: null },
            ...{ task_id: `t${at}`, submission_id: `s${at}`, outcome: "labeled", annotations },
            ...{ note: null, active_ms: 4_000, prelabel: null, overtaken: null },
          })),
          {
            ...{ revision: 4, what: "disputed", by: "", at: saved_at, reason: null },
            ...{ task_id: null, submission_id: null, outcome: null, annotations: [] },
            ...{ note: null, active_ms: 0, prelabel: null, overtaken: null },
          },
        ],
      },
    ];
  return [
    200,
    {
      ...{ item_id: item, path: "2024/batch-0/IMG_4711.jpg", state: "needs_review" },
      ...{ kind: "manual", revision: 4, ...sizeOf(item), frames: 1, media: "jpeg", flag: "" },
      ...{ reason: "", classes: ["c1"], labelers: people.map((one) => one.labeler) },
      ...{ approved: "", honeypot: false, changed_at: saved_at, images: links(item) },
      ...{ labels: null, seems: null, outcome: "labeled", annotations: answers[0] },
      ...{ note: null, saved_at, active_ms: 4_000, submission_id: "s0", prelabel: null },
    },
  ];
}

/** What three people say about one image: `s` alike, the rest not. */
function answersOf(type: TaskType): Annotation[][] {
  const said = (id: string, classId: string, geometry: Annotation["geometry"]): Annotation => ({
    ...{ annotation_id: id, class_id: classId, frame: 0, geometry, attributes: {}, origin: null },
  });
  const tag = (id: string, classId: string) => said(id, classId, { kind: "tag" });
  if (type === "multiclass") return [[tag("a", "c1")], [tag("a", "c2")], [tag("a", "c3")]];
  if (type === "multilabel")
    return [
      [tag("s", "c1"), tag("a", "c2"), tag("b", "c6")],
      [tag("s", "c1"), tag("c", "c3")],
      [tag("s", "c1"), tag("a", "c2"), tag("d", "c5"), tag("e", "c8")],
    ];
  const thing = (id: string, classId: string, x: number, y: number, size = 0.2) =>
    said(
      id,
      classId,
      type === "boxes"
        ? { kind: "box", x0: x, y0: y, x1: x + size, y1: y + size }
        : {
            kind: "polygon",
            parts: [
              {
                outer: [
                  [x, y + size / 2],
                  [x + size / 3, y],
                  [x + size, y + size / 4],
                  [x + size * 0.8, y + size],
                ],
                holes: [],
              },
            ],
          },
    );
  return [
    [thing("s", "c1", 0.1, 0.5), thing("a", "c1", 0.42, 0.42), thing("b", "c2", 0.7, 0.3, 0.24)],
    [thing("s", "c1", 0.11, 0.51), thing("c", "c2", 0.43, 0.43), thing("d", "c2", 0.3, 0.1, 0.12)],
    [thing("s", "c1", 0.1, 0.51), thing("e", "c1", 0.42, 0.41), thing("f", "c2", 0.76, 0.36)],
  ];
}

function inDays(token: ApiToken, days: number): ApiToken {
  return { ...token, expired: days < 0, expires_at: daysFromNow(days) };
}

function people(
  fake: FakeProject,
  method: string,
  memberId: string | undefined,
  body: never,
): [number, unknown] {
  const sent = body as { email?: string; role: Member["role"]; tags: string[] | null };
  const { members } = fake;
  if (method === "DELETE") {
    fake.members = members.filter((one) => one.member_id !== memberId);
    return [200, {}];
  }
  if (method === "GET") return [200, { items: members, next_cursor: null }];
  const known = members.find((one) => one.member_id === memberId || one.name === sent.email);
  const name = known?.name ?? sent.email ?? "";
  const made = {
    member_id: known?.member_id ?? `invited:${name}`,
    role: sent.role,
    name,
    tags: sent.tags ?? known?.tags ?? [],
    invited: known?.invited ?? true,
  };
  fake.members = [...members.filter((one) => one !== known), made];
  return [method === "POST" ? 201 : 200, made];
}

function myWork({ mine, saved }: FakeProject) {
  const day = new Date();
  day.setUTCHours(0, 0, 0, 0);
  const done = [...saved.keys()].filter((one) => one.startsWith("i-")).length;
  return {
    at: new Date().toISOString(),
    today: { since: day.toISOString(), images: 212 + done, active_ms: 4_680_000 + done * 4_000 },
    returned: mine.filter((one) => one.returned),
    recent: mine.filter((one) => !one.returned),
  };
}

function reopen(fake: FakeProject, itemIds: string[]) {
  const found = fake.mine.filter((one) => itemIds.includes(one.item_id));
  const task: Task = {
    task_id: `c-${itemIds.join("-")}`,
    kind: "correction",
    state: "open",
    classes_version: 1,
    instructions_version: 1,
    lease: { until: new Date(Date.now() + LEASE_MS).toISOString(), renew_after_s: 240 },
    draft_seq: 0,
    items: found.map((one) => ({
      item_id: one.item_id,
      revision: 2,
      path: one.path,
      width: one.width,
      height: one.height,
      frames: 1,
      media: "jpeg",
      images: one.images,
      annotations: one.classes.map(({ class_id }) => ({
        annotation_id: `a-${class_id}`,
        class_id,
        frame: 0,
        geometry: { kind: "tag" },
        attributes: {},
        origin: null,
      })),
      outcome: one.outcome,
      reason: null,
      note: null,
      prelabel: null,
      defaults: null,
      returned: null,
      draft: null,
    })),
  };
  fake.open = new Map([[task.task_id, task], ...fake.open]);
  return { task, why: null, retry_after_s: null, open_tasks: [], look_again: false };
}

function containerOf(container: string): Container {
  const group = "subscriptions/0/resourceGroups/lab/providers/Microsoft.Storage/storageAccounts";
  return {
    account: "labelry",
    container,
    portal: `https://portal.azure.com/#view/Microsoft_Azure_Storage/ContainerMenuBlade/~/overview/storageAccountId/${encodeURIComponent(`/${group}/labelry`)}/path/${container}`,
  };
}

function line({ project, total, saved }: FakeProject) {
  const labeled = [...saved.values()].filter((one) => one.outcome === "labeled").length;
  const { project_id, name, team, topics, task_type, state, my_role, created_at } = project;
  return {
    project_id,
    name,
    team,
    topics,
    task_type,
    state,
    my_role,
    created_at,
    total,
    labeled,
    waiting: total - saved.size,
    returned: project_id === "rooms" ? 7 : 0,
    returned_to_me: project_id === "rooms" ? 2 : 0,
    unusable: 0,
    active: 1,
    last_day: labeled ? "2026-11-27" : null,
    cover: [1, 2, 3, 4].map((at) => `/fake-image?item=${project_id}-${at}&w=400`),
    counted_at: created_at,
  };
}

function progress(fake: FakeProject) {
  const { project, total, saved } = fake;
  const states: Record<string, number> = { available: total - saved.size };
  const classes = new Map<string, number>();
  for (const { outcome, classes: ids } of saved.values()) {
    states[outcome] = (states[outcome] ?? 0) + 1;
    if (outcome === "labeled") for (const one of ids) classes.set(one, (classes.get(one) ?? 0) + 1);
  }
  let left = states["labeled"] ?? 0;
  const days = DAYS.map((share, at) => {
    const images =
      at === DAYS.length - 1 ? left : Math.floor((share * (states["labeled"] ?? 0)) / 100);
    left -= images;
    const ago = DAYS.length - 1 - at;
    return { day: new Date(Date.now() - ago * 86_400_000).toISOString().slice(0, 10), images };
  });
  return {
    at: new Date().toISOString(),
    state: project.state,
    state_reason: "",
    total,
    states,
    queues: {},
    classes: [...classes].map(([class_id, images]) => ({ class_id, images, instances: images })),
    labelers: LABELERS,
    days,
    assigned: [
      { tag: "Radiologist", waiting: 14, people: 1 },
      { tag: "Night shift", waiting: 3, people: 0 },
    ],
    flags: {},
    over_limit: 0,
    refresh: refresh(fake),
  };
}

function exporting(
  fake: FakeProject,
  method: string,
  body: { format: string; name: string; version: string | null },
  id?: string,
): [number, unknown] {
  if (id)
    return [200, { name: "coco/annotations.json", url: "data:application/json,{}", expire_at: "" }];
  if (method === "POST") {
    const now = new Date().toISOString();
    const made: Export = {
      schema_version: 1,
      export_id: `e${fake.exports.length}`,
      format: body.format,
      options: NO_CHOICE,
      lost: {},
      as_of: now,
      state: "waiting",
      problem: "",
      created_at: now,
      created_by: "u1",
      created_by_name: "Ada",
      name: body.name,
      version: body.version,
      finished_at: null,
      items: fake.total,
      exported: fake.saved.size,
      omitted: {},
      annotations: 0,
      images: "",
      files: [],
    };
    fake.exports.unshift(made);
    const files = FORMATS.find(({ name }) => name === made.format)?.files ?? [];
    const done = {
      state: "done",
      files: [...files, "manifest.json"].map((name) => ({ name, size: 1, sha256: "" })),
    };
    setTimeout(() => Object.assign(made, done), 3_000);
    return [202, made];
  }
  return [200, { items: fake.exports, next_cursor: null }];
}

function handOut(fake: FakeProject, size: number) {
  if (fake.project.state === "paused")
    return { task: null, why: "paused", retry_after_s: 15, open_tasks: [], look_again: false };
  if (fake.given >= fake.total)
    return { task: null, why: "none_left", retry_after_s: 30, open_tasks: [], look_again: false };
  const task: Task = {
    task_id: `t-${fake.given}`,
    kind: "manual",
    state: "open",
    classes_version: 1,
    instructions_version: 1,
    lease: { until: new Date(Date.now() + LEASE_MS).toISOString(), renew_after_s: 240 },
    draft_seq: 0,
    items: Array.from({ length: Math.min(size, fake.total - fake.given) }, (_, at) => {
      const item = `i-${fake.project.project_id}-${fake.given + at}`;
      return {
        item_id: item,
        revision: 1,
        path: `2024/batch-${Math.floor(fake.given / 500)}/IMG_${4000 + fake.given + at}.jpg`,
        ...sizeOf(item),
        frames: 1,
        media: "jpeg",
        images: links(item),
        annotations: null,
        outcome: null,
        reason: null,
        note: null,
        defaults: null,
        prelabel: suggested(fake.project.task_type, fake.given + at),
        returned: null,
        draft: null,
      };
    }),
  };
  fake.given += task.items.length;
  fake.open.set(task.task_id, task);
  return { task, why: null, retry_after_s: null, open_tasks: [], look_again: false };
}

/** Every second image of a drawing project has suggestions. */
function suggested(type: TaskType, number: number): TaskItem["prelabel"] {
  if ((type !== "boxes" && type !== "polygons") || number % 2) return null;
  const places = [
    [0.12, 0.42, 0.93],
    [0.42, 0.36, 0.81],
    [0.7, 0.5, 0.56],
  ] as const;
  return {
    run_id: "run-1",
    annotations: places.map(([x, y, confidence], at) => ({
      annotation_id: `p${at + 1}`,
      class_id: `c${(at % 2) + 1}`,
      frame: 0,
      confidence,
      attributes: {},
      geometry:
        type === "boxes"
          ? { kind: "box", x0: x, y0: y, x1: x + 0.2, y1: y + 0.25 }
          : {
              kind: "polygon",
              parts: [
                {
                  outer: [
                    [x, y],
                    [x + 0.18, y + 0.04],
                    [x + 0.14, y + 0.25],
                    [x + 0.03, y + 0.2],
                  ],
                  holes: [],
                },
              ],
            },
    })),
  };
}

function submit(fake: FakeProject, task: Task | undefined, { items }: Submission) {
  for (const { item_id, outcome, annotations } of items)
    fake.saved.set(item_id, { outcome, classes: annotations.map((one) => one.class_id) });
  if (task) {
    task.items = task.items.filter((item) => !fake.saved.has(item.item_id));
    if (!task.items.length) fake.open.delete(task.task_id);
  }
  const results = items.map(({ item_id }) => ({
    item_id,
    status: "saved",
    revision: 2,
    by: null,
    why: null,
    problem: null,
  }));
  return { task_state: task?.items.length ? "open" : "closed", results };
}

function links(item: string) {
  const url = (width: number) => `/fake-image?item=${item}&w=${width}`;
  return {
    thumbnail: url(400),
    medium: url(800),
    preview: url(1600),
    full: url(4000),
    expire_at: new Date(Date.now() + 3_600_000).toISOString(),
  };
}

function seedOf(item: string): number {
  return Array.from(item).reduce((sum, char) => (sum * 31 + char.charCodeAt(0)) % 9973, 7);
}

function sizeOf(item: string) {
  return SIZES[Math.floor(seedOf(item) / 10) % SIZES.length] ?? { width: 1600, height: 1200 };
}

/** A room or a street, drawn from the number of the image; some upright, some wide. */
function picture(url: URL, response: ServerResponse) {
  const item = url.searchParams.get("item") ?? "";
  const seed = seedOf(item);
  const pick = (index: number, count: number) => Math.floor(seed / (index * 7 + 3)) % count;
  const { width: w, height: h } = sizeOf(item);
  const hue = (seed * 47) % 360;
  const floor = h * (0.62 + pick(2, 12) / 100);
  const things = Array.from({ length: 3 + pick(3, 4) }, (_, at) => {
    const x = ((seed * (at + 3) * 37) % 80) / 100;
    const tall = 0.16 + ((seed * (at + 5)) % 26) / 100;
    const wide = 0.1 + ((seed * (at + 2)) % 14) / 100;
    const color = `hsl(${(hue + at * 67) % 360} ${28 + at * 6}% ${38 + ((seed + at * 13) % 34)}%)`;
    const top = floor + h * 0.08 - tall * h;
    const shape =
      (seed + at) % 3
        ? `<rect x="${x * w}" y="${top}" width="${wide * w}" height="${tall * h}" rx="${(seed + at) % 5 ? 14 : 80}" fill="${color}"/><rect x="${(x + wide * 0.15) * w}" y="${top + tall * h * 0.14}" width="${wide * 0.7 * w}" height="${tall * h * 0.3}" rx="8" fill="#fff" opacity=".28"/>`
        : `<path d="M${(x + wide / 2) * w} ${top - h * 0.1}l${wide * 0.75 * w} ${(tall + 0.1) * h}h${-wide * 1.5 * w}z" fill="${color}"/>`;
    return `<ellipse cx="${(x + wide / 2) * w}" cy="${floor + h * 0.09}" rx="${wide * 0.7 * w}" ry="${h * 0.018}" fill="#000" opacity=".25"/>${shape}`;
  }).join("");
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${w} ${h}" width="${w}" height="${h}"><defs><linearGradient id="a" x2="0" y2="1"><stop stop-color="hsl(${hue} 32% 74%)"/><stop offset="1" stop-color="hsl(${(hue + 30) % 360} 26% 86%)"/></linearGradient><linearGradient id="b" x2="0" y2="1"><stop stop-color="hsl(${(hue + 190) % 360} 18% 52%)"/><stop offset="1" stop-color="hsl(${(hue + 200) % 360} 22% 34%)"/></linearGradient></defs><rect width="${w}" height="${h}" fill="url(#a)"/><rect y="${floor}" width="${w}" height="${h - floor}" fill="url(#b)"/><rect x="${w * 0.62}" y="${h * 0.1}" width="${w * 0.24}" height="${h * 0.3}" fill="#fff" opacity=".7"/>${things}</svg>`;
  response
    .writeHead(200, { "Content-Type": "image/svg+xml", "Cache-Control": "private, max-age=3600" })
    .end(svg);
}
