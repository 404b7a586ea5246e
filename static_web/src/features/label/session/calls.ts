import { api, ApiError, unwrap } from "@/api/client";
import { dropEarly, takeClaim, type EarlyClaim } from "@/api/early";
import type { components } from "@/api/schema";
import type {
  ImageLinks,
  SignAnswer,
  Submission,
  SubmitAnswer,
  Task,
  TaskAnswer,
} from "@/api/types";

type Draft = components["schemas"]["Draft"];

/** What the desk asks of the API; tests bring their own. */
export interface TaskCalls {
  open: () => Promise<Task[]>;
  /** The id of a request for a task that is on its way already: `next` with it takes its answer. */
  claimed: () => string | undefined;
  /** What was asked for before the app was there is no longer believed. */
  dropEarly: () => void;
  next: (requestId: string, size: number, purpose: "next" | "prefetch") => Promise<TaskAnswer>;
  submit: (taskId: string, submission: Submission, leaving?: boolean) => Promise<SubmitAnswer>;
  draft: (taskId: string, draft: Draft, leaving?: boolean) => Promise<unknown>;
  renew: (taskId: string) => Promise<unknown>;
  release: (taskId: string) => Promise<unknown>;
  reopen: (taskId: string, requestId: string) => Promise<TaskAnswer>;
  /** Of images in open tasks; naming a task that is over, in that one too. */
  sign: (itemIds: string[], taskId?: string) => Promise<Record<string, ImageLinks>>;
}

/** `leaving`: the page is going away, and the request must outlive it. */
export function taskCalls(projectId: string): TaskCalls {
  const inProject = { project_id: projectId };
  let claim: EarlyClaim | undefined;
  const ofTask = (taskId: string) => ({
    params: { path: { project_id: projectId, task_id: taskId } },
  });
  return {
    open: async () => {
      const query = { mine: "true", state: "open" } as const;
      const params = { path: inProject, query };
      return (await unwrap(api.GET("/api/projects/{project_id}/tasks", { params }))).items;
    },
    claimed: () => (claim = takeClaim(`/api/projects/${projectId}/tasks`))?.requestId,
    dropEarly,
    next: (requestId, size, purpose) => {
      const answer = claim?.requestId === requestId ? claim.answer : null;
      claim = undefined; // where it fails, it is asked again
      return unwrap(
        api.POST("/api/projects/{project_id}/tasks", {
          params: { path: inProject },
          body: { request_id: requestId, size, purpose },
          ...(answer && { fetch: () => answer.catch(unreached) }),
        }),
      );
    },
    submit: (taskId, body, keepalive = false) =>
      unwrap(
        api.POST("/api/projects/{project_id}/tasks/{task_id}/submit", {
          ...ofTask(taskId),
          body,
          keepalive,
        }),
      ),
    draft: (taskId, body, keepalive = false) =>
      unwrap(
        api.PUT("/api/projects/{project_id}/tasks/{task_id}/draft", {
          ...ofTask(taskId),
          body,
          keepalive,
        }),
      ),
    renew: (taskId) =>
      unwrap(api.POST("/api/projects/{project_id}/tasks/{task_id}/renew", ofTask(taskId))),
    release: (taskId) =>
      unwrap(
        api.POST("/api/projects/{project_id}/tasks/{task_id}/release", {
          ...ofTask(taskId),
          body: { items: null },
          keepalive: true,
        }),
      ),
    reopen: (taskId, requestId) =>
      unwrap(
        api.POST("/api/projects/{project_id}/tasks/{task_id}/reopen", {
          ...ofTask(taskId),
          body: { request_id: requestId, items: null },
        }),
      ),
    sign: async (itemIds, taskId) => {
      const answer = api.POST("/api/projects/{project_id}/images", {
        params: { path: inProject },
        body: { item_ids: itemIds, task_id: taskId ?? null, frame: null },
      });
      const { images } = await unwrap(answer);
      // What no browser shows has no copy before somebody asks for its first frame.
      const unmade = Object.keys(images).filter((id) => !images[id]?.preview);
      if (!unmade.length) return images;
      const firsts = api.POST("/api/projects/{project_id}/images", {
        params: { path: inProject },
        body: { item_ids: unmade, task_id: taskId ?? null, frame: 0 },
      });
      const { frames } = (await unwrap(firsts)) as SignAnswer;
      return Object.fromEntries(
        Object.entries(images).map(([id, links]) => {
          const url = links.preview || (frames[id]?.url ?? "");
          return [id, links.preview ? links : sameForAll(links, url)];
        }),
      );
    },
  };
}

/** The links of an image of which there is one copy. */
function sameForAll(links: ImageLinks, url: string): ImageLinks {
  return { ...links, thumbnail: url, medium: url, preview: url, full: url };
}

function unreached(): never {
  throw new ApiError(0);
}
