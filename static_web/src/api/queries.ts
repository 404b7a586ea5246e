import { queryOptions, useQuery } from "@tanstack/react-query";

import { api, ApiError, unwrap } from "./client";
import type { Dataset, DatasetChange, Me, Progress, Project, ProjectChange } from "./types";

const LIVE_MS = 3_000;

export const meQuery = queryOptions({
  queryKey: ["me"],
  queryFn: async (): Promise<Me | null> => {
    try {
      return await unwrap(api.GET("/api/me"));
    } catch (error) {
      if (error instanceof ApiError && error.signedOut) return null;
      throw error;
    }
  },
  staleTime: Infinity,
});

/** Who is signed in; null: nobody. */
export function useMe() {
  return useQuery(meQuery);
}

export const projectsQuery = queryOptions({
  queryKey: ["projects"],
  queryFn: async () => (await unwrap(api.GET("/api/projects"))).items,
  refetchInterval: 10_000,
});

export const projectQuery = (projectId: string) =>
  queryOptions({
    queryKey: ["project", projectId],
    queryFn: () =>
      unwrap(
        api.GET("/api/projects/{project_id}", { params: { path: { project_id: projectId } } }),
      ),
  });

/**
 * Changes what is named here, where that is still as it was shown. Other changes of the project, such as a
 * pause, are no reason to refuse.
 */
export async function changeProject(
  shown: Project,
  change: Partial<ProjectChange>,
): Promise<Project> {
  const path = { project_id: shown.project_id };
  const send = (version: number) =>
    unwrap(
      api.PATCH("/api/projects/{project_id}", {
        params: { path },
        headers: { "If-Match": `"${version}"` },
        body: {
          instructions: null,
          incremental_refresh: null,
          assist: null,
          overlap: null,
          twins: null,
          honeypots: null,
          assignments: null,
          team: null,
          topics: null,
          ...change,
        },
      }),
    );
  try {
    return await send(shown.version);
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 412) throw error;
    const now = await unwrap(api.GET("/api/projects/{project_id}", { params: { path } }));
    const parts = Object.keys(change) as (keyof ProjectChange)[];
    if (parts.some((part) => JSON.stringify(now[part]) !== JSON.stringify(shown[part])))
      throw error;
    return send(now.version);
  }
}

/** Longer than a piece of it takes, and than a message that failed waits to be tried again. */
const STALLED_MS = 3 * 60_000;

/** Changes of many images, newest first; looked at again and again while one is under way. */
export const sweepsQuery = (projectId: string) =>
  queryOptions({
    queryKey: ["sweeps", projectId],
    queryFn: async () =>
      (
        await unwrap(
          api.GET("/api/projects/{project_id}/sweeps", {
            params: { path: { project_id: projectId } },
          }),
        )
      ).items.map((one) => ({
        ...one,
        stalled:
          !one.finished_at &&
          (one.problem !== "" || Date.now() - Date.parse(one.moved_at) > STALLED_MS),
      })),
    refetchInterval: ({ state }) => (state.data?.some((one) => !one.finished_at) ? LIVE_MS : false),
  });

/** Classes with signed addresses of their examples. */
export const classesQuery = (projectId: string) =>
  queryOptions({
    queryKey: ["classes", projectId],
    queryFn: () =>
      unwrap(
        api.GET("/api/projects/{project_id}/classes", {
          params: { path: { project_id: projectId } },
        }),
      ),
  });

export const myWorkQuery = (projectId: string) =>
  queryOptions({
    queryKey: ["mine", projectId],
    queryFn: () =>
      unwrap(
        api.GET("/api/projects/{project_id}/mine", {
          params: { path: { project_id: projectId } },
        }),
      ),
  });

export const progressQuery = (projectId: string, everyMs = LIVE_MS) =>
  queryOptions({
    queryKey: ["progress", projectId],
    queryFn: () =>
      unwrap(
        api.GET("/api/projects/{project_id}/progress", {
          params: { path: { project_id: projectId } },
        }),
      ),
    refetchInterval: everyMs,
  });

/** Changes what is named here, where the dataset is still as it was shown. */
export function changeDataset(shown: Dataset, change: Partial<DatasetChange>): Promise<Dataset> {
  return unwrap(
    api.PATCH("/api/datasets/{dataset_id}", {
      params: { path: { dataset_id: shown.dataset_id } },
      headers: { "If-Match": `"${shown.version}"` },
      body: { name: null, description: null, ...change },
    }),
  );
}

/** Images nobody has decided about yet. */
export function leftIn(progress: Progress): number {
  return (progress.states["available"] ?? 0) + (progress.states["leased"] ?? 0);
}

/** How many images are to be labeled in the end: what can't be used, or was left out, keeps nothing from being done. */
export function usableIn(progress: Progress | undefined): number {
  const { total = 0, states = {} } = progress ?? {};
  return total - (states["unreadable"] ?? 0) - (states["excluded"] ?? 0);
}

/** What labels can be exported in and imported from. */
export const formatsQuery = queryOptions({
  queryKey: ["formats"],
  queryFn: async () => (await unwrap(api.GET("/api/formats"))).items,
  staleTime: Infinity,
});
