import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";

import { api, unwrap } from "@/api/client";
import type { HoneypotResult, RejectResult, ReviewResult } from "@/api/types";

import type { Deed } from "./deeds";
import { asQuery, isNewestFirst, type Filters } from "./filters";

const PAGE = 60;
const LOOK_EVERY_MS = 5_000;
const SIGN_EVERY_MS = 45 * 60_000; // before the addresses of the images end
const AT_ONCE = 100;

function listItems(projectId: string, filters: Filters, cursor: string) {
  return unwrap(
    api.GET("/api/projects/{project_id}/items", {
      params: {
        path: { project_id: projectId },
        query: { ...asQuery(filters), limit: PAGE, ...(cursor && { cursor }) },
      },
    }),
  );
}

export const itemsQuery = (projectId: string, filters: Filters) =>
  infiniteQueryOptions({
    queryKey: ["items", projectId, filters],
    queryFn: ({ pageParam }) => listItems(projectId, filters, pageParam),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    refetchInterval: SIGN_EVERY_MS,
  });

/** The first page, again and again. */
export const topQuery = (projectId: string, filters: Filters) =>
  queryOptions({
    queryKey: ["top", projectId, filters],
    queryFn: () => listItems(projectId, filters, ""),
    enabled: isNewestFirst(filters),
    refetchInterval: LOOK_EVERY_MS,
  });

export const itemQuery = (projectId: string, itemId: string) =>
  queryOptions({
    queryKey: ["item", projectId, itemId],
    queryFn: () =>
      unwrap(
        api.GET("/api/projects/{project_id}/items/{item_id}", {
          params: { path: { project_id: projectId, item_id: itemId } },
        }),
      ),
    refetchInterval: LOOK_EVERY_MS,
  });

export const historyQuery = (projectId: string, itemId: string, revision: number | undefined) =>
  queryOptions({
    queryKey: ["history", projectId, itemId, revision],
    queryFn: () =>
      unwrap(
        api.GET("/api/projects/{project_id}/items/{item_id}/history", {
          params: { path: { project_id: projectId, item_id: itemId } },
        }),
      ),
    enabled: revision !== undefined,
  });

/** What each said who labeled an image, and what comes of merging that. */
export const opinionsQuery = (projectId: string, itemId: string, revision: number) =>
  queryOptions({
    queryKey: ["opinions", projectId, itemId, revision],
    queryFn: () =>
      unwrap(
        api.GET("/api/projects/{project_id}/items/{item_id}/opinions", {
          params: { path: { project_id: projectId, item_id: itemId } },
        }),
      ),
  });

type Seen = readonly { item_id: string; revision: number }[];

/** Why an image was left as it is; `done` where it was not. */
export type Status = ReviewResult["status"] | HoneypotResult["status"];

/** Where somebody has changed an image since it was seen, it is left as it is. */
export async function review(projectId: string, seen: Seen, deed: Deed): Promise<Status[]> {
  const statuses: Status[] = [];
  for (let at = 0; at < seen.length; at += AT_ONCE) {
    const some = seen.slice(at, at + AT_ONCE);
    const { results } = await send(projectId, some, deed);
    statuses.push(...results.map(({ status }) => (status === "rejected" ? "done" : status)));
  }
  return statuses;
}

function send(
  projectId: string,
  seen: Seen,
  deed: Deed,
): Promise<{ results: (RejectResult | ReviewResult | HoneypotResult)[] }> {
  const params = { path: { project_id: projectId } };
  const items = {
    item_ids: seen.map((one) => one.item_id),
    revisions: Object.fromEntries(seen.map((one) => [one.item_id, one.revision])),
  };
  switch (deed.what) {
    case "approve":
      return unwrap(
        api.POST("/api/projects/{project_id}/items/approve", {
          params,
          body: { ...items, approved: true },
        }),
      );
    case "accept":
      return unwrap(api.POST("/api/projects/{project_id}/items/accept", { params, body: items }));
    case "first":
      return unwrap(
        api.POST("/api/projects/{project_id}/items/first", {
          params,
          body: { item_ids: items.item_ids },
        }),
      );
    case "leave_out":
      return unwrap(
        api.POST("/api/projects/{project_id}/items/exclude", {
          params,
          body: { ...items, reason: deed.reason },
        }),
      );
    case "pose":
    case "unpose":
      return unwrap(
        api.POST("/api/projects/{project_id}/items/honeypots", {
          params,
          body: { ...items, honeypot: deed.what === "pose" },
        }),
      );
    case "answer":
      return unwrap(
        api.POST("/api/projects/{project_id}/items/answer", {
          params,
          body: { ...items, answer: deed.answer },
        }),
      );
    case "relabel":
      return unwrap(
        api.POST("/api/projects/{project_id}/items/relabel", {
          params,
          body: { ...items, class_id: deed.class_id, into: deed.into },
        }),
      );
    case "revert":
      return unwrap(
        api.POST("/api/projects/{project_id}/items/revert", {
          params,
          body: { ...items, before: deed.before },
        }),
      );
    case "reject":
      return unwrap(
        api.POST("/api/projects/{project_id}/items/reject", {
          params,
          body: { ...items, reason: deed.reason, to: deed.to, front: true },
        }),
      );
  }
}
