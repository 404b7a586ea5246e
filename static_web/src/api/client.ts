/** The only place that talks to the API. */
import createClient from "openapi-fetch";

import { takeEarly } from "./early";
import type { components, paths } from "./schema";

type Problem = components["schemas"]["ProblemDetails"];
type Fault = Problem["errors"][number];

/** A problem the API answered with (RFC 9457), or status 0 where it could not be reached. */
export class ApiError extends Error {
  readonly status: number;
  readonly faults: readonly Fault[];
  /** The whole problem, with the members that only some problems have. */
  readonly extra: Readonly<Record<string, unknown>>;

  constructor(status: number, problem: Partial<Problem> & Record<string, unknown> = {}) {
    super(problem.detail ?? problem.title ?? "");
    this.status = status;
    this.faults = problem.errors ?? [];
    this.extra = problem;
  }

  get signedOut(): boolean {
    return this.status === 401;
  }

  /** Sending the same again may succeed: no connection, or the server is busy. */
  get passing(): boolean {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500;
  }
}

export const api = createClient<paths>({
  baseUrl: window.location.origin,
  headers: { Accept: "application/json", "Content-Type": "application/json" },
  fetch: async (request) => {
    const response = await (takeEarly(request) ?? globalThis.fetch(request)).catch(() => {
      throw new ApiError(0);
    });
    // The sign-in page of a proxy comes as 200 with HTML.
    const json = response.headers.get("content-type")?.includes("json");
    if (response.ok && response.status !== 204 && !json) throw new ApiError(401);
    return response;
  },
});

/** The data of an answer; a problem is thrown. */
export async function unwrap<T>(
  answer: Promise<{ data?: T; error?: unknown; response: Response }>,
): Promise<T> {
  const { data, error, response } = await answer;
  if (!response.ok)
    throw new ApiError(response.status, isProblem(error) ? error : { title: response.statusText });
  return data as T;
}

function isProblem(error: unknown): error is Partial<Problem> {
  return typeof error === "object" && error !== null;
}

/** An id of our own making, as the API takes them. */
export function newId(prefix: string): string {
  return `${prefix}-${crypto.randomUUID()}`;
}
