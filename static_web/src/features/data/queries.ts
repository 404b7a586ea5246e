import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";

import { api, unwrap } from "@/api/client";
import type { RejectResult, ReviewResult } from "@/api/types";

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

type Seen = readonly { item_id: string; revision: number }[];

/** What a reviewer does with images. */
export type Deed =
  | { what: "approve" }
  | { what: "accept" }
  | { what: "answer"; answer: string }
  | { what: "reject"; reason: string; to: "anyone" | "same_labeler" };

/** Why an image was left as it is; `done` where it was not. */
export type Status = "done" | Exclude<RejectResult["status"], "rejected">;

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
): Promise<{ results: (RejectResult | ReviewResult)[] }> {
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
    case "answer":
      return unwrap(
        api.POST("/api/projects/{project_id}/items/answer", {
          params,
          body: { ...items, answer: deed.answer },
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

/** Whether something can be done with an image in its state. */
export function canBe(
  what: Deed["what"],
  { state, approved }: { state: string; approved: string },
) {
  switch (what) {
    case "approve":
      return state === "labeled" && !approved;
    case "accept":
      return state === "skipped";
    case "answer":
      return state === "needs_review";
    case "reject":
      return ["labeled", "skipped", "needs_review", "excluded"].includes(state);
  }
}
