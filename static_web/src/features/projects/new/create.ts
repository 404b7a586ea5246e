/** Creating a project: its dataset, the files in it, the project, its people. Safe to start again where it stopped. */
import { parseAddresses } from "@/addresses";
import { api, newId, unwrap } from "@/api/client";
import { changeDataset } from "@/api/queries";
import type { Dataset, NewClass, Project } from "@/api/types";
import { newClass, parseClasses } from "@/classes";
import { parseWords } from "@/words";
import type { Chosen } from "@/upload/images";
import type { UploadOutcome, UploadProgress } from "@/upload/upload";

import type { Draft, Work } from "./draft";

export interface Attempt {
  /** The same request, sent again, makes nothing twice; another body is another request. */
  keys: Map<string, string>;
  /** Uploaded already, into this dataset. */
  uploaded: { files: Chosen[]; datasetId: string; outcome: UploadOutcome } | null;
  uploadsTo: { dataset: Dataset; container: string } | null;
}

export const newAttempt = (): Attempt => ({ keys: new Map(), uploaded: null, uploadsTo: null });

/** The dataset that the images are in: made unless it is there. */
export async function makeDataset({ draft, attempt }: Work): Promise<string> {
  if (draft.from === "dataset") return draft.datasetId;
  const description = draft.description.trim();
  const upload = draft.from === "upload";
  const before = attempt.uploadsTo;
  // Files once uploaded stay where they are, also when the project is renamed before it is made.
  if (upload && before?.container === draft.container) {
    if (before.dataset.description !== description)
      before.dataset = await changeDataset(before.dataset, { description });
    return before.dataset.dataset_id;
  }
  const body = {
    name: draft.name.trim(),
    description,
    source: upload ? null : { container: draft.location, pattern: draft.pattern },
    upload,
    container: (upload && draft.container) || null,
  };
  const made = await unwrap(api.POST("/api/datasets", { body, headers: keyFor(attempt, body) }));
  if (upload) attempt.uploadsTo = { dataset: made, container: draft.container };
  return made.dataset_id;
}

export async function uploadFiles(
  { files, attempt }: Work,
  datasetId: string,
  tell: (progress: UploadProgress) => void,
  signal: AbortSignal,
): Promise<UploadOutcome> {
  const before = attempt.uploaded;
  if (before?.files === files && before.datasetId === datasetId && !before.outcome.failed.length)
    return before.outcome;
  const { uploadImages } = await import("@/upload/upload");
  const outcome = await uploadImages(datasetId, files, tell, signal);
  attempt.uploaded = { files, datasetId, outcome };
  return outcome;
}

export async function makeProject({ draft, attempt }: Work, datasetId: string): Promise<Project> {
  const { names } = parseClasses(draft.classes);
  const body = {
    name: draft.name.trim(),
    team: draft.team.trim(),
    topics: parseWords(draft.topics),
    task_type: draft.type,
    dataset_id: datasetId,
    classes: names.map((name) => classNamed(name, draft)),
    instructions: { text: draft.text.trim(), link: draft.link.trim() },
    incremental_refresh: draft.refresh,
    assist: draft.assist,
    overlap: draft.overlap,
    honeypots: draft.honeypots,
    // Classes get the ids c1, c2, ... in their order.
    assignments: draft.assignments.map((rule) =>
      rule.class_id === null ? rule : { ...rule, class_id: `c${names.indexOf(rule.class_id) + 1}` },
    ),
    twins: draft.twins,
  };
  return unwrap(api.POST("/api/projects", { body, headers: keyFor(attempt, body) }));
}

/** A class of a draft, with what is known of the one that it was copied from. */
function classNamed(name: string, { copied, from, datasetId }: Draft): NewClass {
  const known = copied?.classes.find((one) => one.name === name);
  if (!copied || !known) return newClass(name);
  // Its examples are images of the other project's dataset.
  const there = from === "dataset" && datasetId === copied.datasetId;
  return there ? known : { ...known, examples: [] };
}

/** Invites people into a project; gives the addresses that were not. */
export async function inviteAll(projectId: string, draft: Draft): Promise<string[]> {
  const left: string[] = [];
  const tags = parseWords(draft.tags);
  for (const email of parseAddresses(draft.people).good) {
    try {
      await unwrap(
        api.POST("/api/projects/{project_id}/invitations", {
          params: { path: { project_id: projectId } },
          body: { email, role: draft.role, tags: tags.length ? tags : null },
        }),
      );
    } catch {
      left.push(email);
    }
  }
  return left;
}

function keyFor(attempt: Attempt, body: object): { "Idempotency-Key": string } {
  const text = JSON.stringify(body);
  const key = attempt.keys.get(text) ?? newId("k");
  attempt.keys.set(text, key);
  return { "Idempotency-Key": key };
}
