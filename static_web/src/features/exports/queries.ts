import { queryOptions } from "@tanstack/react-query";

import { api, unwrap } from "@/api/client";
import type { Export } from "@/api/types";

export const LOOK_EVERY_MS = 2_000;

const isMade = (exports: readonly Export[] | undefined): boolean =>
  exports?.some((one) => one.state === "waiting") ?? false;

export const exportsQuery = (projectId: string) =>
  queryOptions({
    queryKey: ["exports", projectId],
    queryFn: async () =>
      (
        await unwrap(
          api.GET("/api/projects/{project_id}/exports", {
            params: { path: { project_id: projectId } },
          }),
        )
      ).items,
    refetchInterval: ({ state }) => (isMade(state.data) ? LOOK_EVERY_MS : false),
  });

/** The same as long as one is known to be made: whoever looks elsewhere asks for no more. */
export const underWayQuery = (projectId: string) => {
  const query = exportsQuery(projectId);
  return queryOptions({ ...query, enabled: ({ state }) => isMade(state.data) });
};
