import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";

import { api, unwrap } from "@/api/client";

export const accountsQuery = queryOptions({
  queryKey: ["storage", "accounts"],
  queryFn: async () => (await unwrap(api.GET("/api/storage/accounts"))).items,
});

export const datasetsQuery = queryOptions({
  queryKey: ["datasets"],
  queryFn: async () => (await unwrap(api.GET("/api/datasets"))).items,
});

/** What is directly in a folder of a container, page by page. */
export const folderQuery = (location: string, prefix: string) =>
  infiniteQueryOptions({
    queryKey: ["storage", "browse", location, prefix],
    queryFn: ({ pageParam }) =>
      unwrap(
        api.GET("/api/storage/browse", {
          params: { query: { location, prefix, ...(pageParam && { cursor: pageParam }) } },
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    retry: false,
  });

/** What a location holds, counted by what ingests it. */
export const previewQuery = (container: string, pattern: string) =>
  queryOptions({
    queryKey: ["storage", "preview", container, pattern],
    queryFn: () =>
      unwrap(api.POST("/api/datasets/preview", { body: { source: { container, pattern } } })),
    staleTime: 30_000,
    retry: false,
  });
