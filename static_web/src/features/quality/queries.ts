import { queryOptions } from "@tanstack/react-query";

import { api, unwrap } from "@/api/client";

/** How well people know the answers of honeypots. */
export const honeypotsQuery = (projectId: string) =>
  queryOptions({
    queryKey: ["honeypots", projectId],
    queryFn: () =>
      unwrap(
        api.GET("/api/projects/{project_id}/honeypots", {
          params: { path: { project_id: projectId } },
        }),
      ),
    refetchInterval: 30_000,
  });

/** How two people agree. */
export const pairQuery = (projectId: string, first: string, second: string) =>
  queryOptions({
    queryKey: ["agreement", projectId, first, second],
    queryFn: () =>
      unwrap(
        api.GET("/api/projects/{project_id}/agreement/{member_id}/{other_id}", {
          params: { path: { project_id: projectId, member_id: first, other_id: second } },
        }),
      ),
  });

/** What somebody said about honeypots. */
export const checksQuery = (projectId: string, user: string) =>
  queryOptions({
    queryKey: ["checks", projectId, user],
    queryFn: () =>
      unwrap(
        api.GET("/api/projects/{project_id}/honeypots/{member_id}", {
          params: { path: { project_id: projectId, member_id: user } },
        }),
      ),
  });

/** Gives somebody images again. */
export const resumeMember = (projectId: string, user: string) =>
  unwrap(
    api.POST("/api/projects/{project_id}/honeypots/{member_id}/resume", {
      params: { path: { project_id: projectId, member_id: user } },
    }),
  );
