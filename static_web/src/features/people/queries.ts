import { queryOptions } from "@tanstack/react-query";

import { api, unwrap } from "@/api/client";
import type { ApiToken, Member, Role } from "@/api/types";

const LOOK_EVERY_MS = 10_000;
const TOKEN_DAYS = 90;

/** Smallest first. */
export const roles = ["labeler", "reviewer", "admin"] as const satisfies Role[];

export const membersQuery = (projectId: string) =>
  queryOptions({
    queryKey: ["members", projectId],
    queryFn: async () =>
      (
        await unwrap(
          api.GET("/api/projects/{project_id}/members", {
            params: { path: { project_id: projectId } },
          }),
        )
      ).items,
    refetchInterval: LOOK_EVERY_MS,
  });

export function invite(
  projectId: string,
  email: string,
  role: Role,
  tags: string[] | null = null,
): Promise<Member> {
  return unwrap(
    api.POST("/api/projects/{project_id}/invitations", {
      params: { path: { project_id: projectId } },
      body: { email, role, tags },
    }),
  );
}

/** Of somebody invited, by inviting them again. */
export function changeMember(
  projectId: string,
  member: Member,
  change: { role?: Role; tags?: string[] },
): Promise<Member> {
  const { role = member.role, tags = null } = change;
  if (member.invited) return invite(projectId, member.name, role, tags);
  return unwrap(
    api.PUT("/api/projects/{project_id}/members/{member_id}", {
      params: { path: { project_id: projectId, member_id: member.member_id } },
      body: { role, name: "", tags },
    }),
  );
}

export function remove(projectId: string, member: Member): Promise<unknown> {
  return unwrap(
    api.DELETE("/api/projects/{project_id}/members/{member_id}", {
      params: { path: { project_id: projectId, member_id: member.member_id } },
    }),
  );
}

export const tokensQuery = (projectId: string) =>
  queryOptions({
    queryKey: ["tokens", projectId],
    queryFn: async () =>
      (
        await unwrap(
          api.GET("/api/projects/{project_id}/tokens", {
            params: { path: { project_id: projectId } },
          }),
        )
      ).items,
  });

/** Its secret is in the answer, and nowhere else. */
export function makeToken(projectId: string, name: string, role: Role) {
  return unwrap(
    api.POST("/api/tokens", {
      body: { name, project_id: projectId, role, site_admin: false, days: TOKEN_DAYS },
    }),
  );
}

/** For as long as a new one is valid. */
export function renewToken(token: ApiToken): Promise<ApiToken> {
  return unwrap(
    api.POST("/api/tokens/{token_id}/renew", {
      params: { path: { token_id: token.token_id } },
      body: { days: TOKEN_DAYS },
    }),
  );
}

export function revokeToken(projectId: string, token: ApiToken): Promise<unknown> {
  return unwrap(
    api.DELETE("/api/projects/{project_id}/tokens/{token_id}", {
      params: { path: { project_id: projectId, token_id: token.token_id } },
    }),
  );
}
