import { queryOptions, useQuery } from "@tanstack/react-query";

import { api, ApiError, unwrap } from "./client";
import type { Me, Progress } from "./types";

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

/** Images nobody has decided about yet. */
export function leftIn(progress: Progress): number {
  return (progress.states["available"] ?? 0) + (progress.states["leased"] ?? 0);
}
