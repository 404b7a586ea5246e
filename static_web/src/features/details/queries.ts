import { queryOptions } from "@tanstack/react-query";

import { api, unwrap } from "@/api/client";

/** For site admins. */
export const datasetQuery = (datasetId: string) =>
  queryOptions({
    queryKey: ["dataset", datasetId],
    queryFn: () =>
      unwrap(
        api.GET("/api/datasets/{dataset_id}", { params: { path: { dataset_id: datasetId } } }),
      ),
  });

/** For reviewers and admins: where a project's images are, and where its exports go. */
export const containersQuery = (projectId: string) =>
  queryOptions({
    queryKey: ["containers", projectId],
    queryFn: () =>
      unwrap(
        api.GET("/api/projects/{project_id}/containers", {
          params: { path: { project_id: projectId } },
        }),
      ),
    staleTime: Infinity,
  });

/** Projects that were deleted, for site admins. */
export const deletedQuery = queryOptions({
  queryKey: ["deleted"],
  queryFn: async () => (await unwrap(api.GET("/api/deleted_projects"))).items,
});
