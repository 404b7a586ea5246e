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

/** Projects that were deleted, for site admins. */
export const deletedQuery = queryOptions({
  queryKey: ["deleted"],
  queryFn: async () => (await unwrap(api.GET("/api/deleted_projects"))).items,
});
