import { queryOptions } from "@tanstack/react-query";

import { api, unwrap } from "@/api/client";
import type { AssistChange } from "@/api/types";

const LIVE_MS = 3_000;

/** How assist stands: settings, labels until the next training, what is at work. */
export const assistQuery = (projectId: string) =>
  queryOptions({
    queryKey: ["assist", projectId],
    queryFn: () =>
      unwrap(
        api.GET("/api/projects/{project_id}/assist", {
          params: { path: { project_id: projectId } },
        }),
      ),
    refetchInterval: LIVE_MS,
  });

/** What models did for a project, newest first. */
export const runsQuery = (projectId: string) =>
  queryOptions({
    queryKey: ["runs", projectId],
    queryFn: async () =>
      (
        await unwrap(
          api.GET("/api/projects/{project_id}/runs", {
            params: { path: { project_id: projectId } },
          }),
        )
      ).items,
    refetchInterval: LIVE_MS,
  });

/** What was found out about a model when it was trained; it stays as it is. */
export const modelQuery = (projectId: string, modelId: string) =>
  queryOptions({
    queryKey: ["model", projectId, modelId],
    staleTime: Infinity,
    queryFn: () =>
      unwrap(
        api.GET("/api/projects/{project_id}/models/{model_id}", {
          params: { path: { project_id: projectId, model_id: modelId } },
        }),
      ),
  });

/** A change of some settings, which leaves those alone that it does not name; null takes a limit away. */
export const assistChange = (part: Partial<AssistChange>): AssistChange => part as AssistChange;
