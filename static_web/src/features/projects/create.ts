/** Creating a project: its dataset, the files in it, then the project. Safe to start again where it stopped. */
import { api, newId, unwrap } from "@/api/client";
import type { Project, TaskType } from "@/api/types";
import type { Chosen } from "@/upload/images";
import type { UploadOutcome, UploadProgress } from "@/upload/upload";

export interface Plan {
  name: string;
  taskType: TaskType;
  classes: string[];
  instructions: { text: string; link: string };
  files: Chosen[];
}

export interface Attempt {
  /** The same request, sent again, makes nothing twice; another body is another request. */
  keys: Map<string, string>;
  /** Made already, for these files. */
  dataset: { name: string; id: string } | null;
  uploaded: { files: Chosen[]; outcome: UploadOutcome } | null;
}

export const newAttempt = (): Attempt => ({ keys: new Map(), dataset: null, uploaded: null });

export async function makeDataset(plan: Plan, attempt: Attempt): Promise<string> {
  if (attempt.dataset) return attempt.dataset.id;
  const body = { name: plan.name, source: null, upload: true };
  const made = await unwrap(api.POST("/api/datasets", { body, headers: keyFor(attempt, body) }));
  attempt.dataset = { name: made.name, id: made.dataset_id };
  return made.dataset_id;
}

export async function uploadFiles(
  plan: Plan,
  attempt: Attempt,
  tell: (progress: UploadProgress) => void,
  signal: AbortSignal,
): Promise<UploadOutcome> {
  if (attempt.uploaded?.files === plan.files && !attempt.uploaded.outcome.failed.length)
    return attempt.uploaded.outcome;
  const { uploadImages } = await import("@/upload/upload");
  const datasetId = await makeDataset(plan, attempt);
  const outcome = await uploadImages(datasetId, plan.files, tell, signal);
  attempt.uploaded = { files: plan.files, outcome };
  return outcome;
}

export async function makeProject(plan: Plan, attempt: Attempt): Promise<Project> {
  const body = {
    name: plan.name,
    task_type: plan.taskType,
    dataset_id: await makeDataset(plan, attempt),
    classes: plan.classes.map((name) => ({ name, description: "", examples: [] })),
    instructions: plan.instructions,
    incremental_refresh: true,
    assist: {
      on: false,
      similar_first: true,
      first_labels: 300,
      next_labels: 300,
      precision: 0.95,
      confidence: 0.9,
      overlap: 0.5,
      backbone: "efficientnet-lite0",
      blind_share: null,
      hours_a_month: null,
    },
  };
  return unwrap(api.POST("/api/projects", { body, headers: keyFor(attempt, body) }));
}

function keyFor(attempt: Attempt, body: object): { "Idempotency-Key": string } {
  const text = JSON.stringify(body);
  const key = attempt.keys.get(text) ?? newId("k");
  attempt.keys.set(text, key);
  return { "Idempotency-Key": key };
}
