/**
 * What the first page needs is asked for while the app's code is still on its way, and taken by the request
 * that would have asked: see boot.ts.
 */
const asked = new Map<string, Promise<Response>>();
let claimed: EarlyClaim | undefined;

/** A request for a task that is on its way. */
export interface EarlyClaim {
  requestId: string;
  answer: Promise<Response>;
}

export function askEarly(path: string): Promise<Response> {
  const { href } = new URL(path, window.location.origin);
  const answer = fetch(href, { headers: { Accept: "application/json" } });
  answer.catch(() => undefined); // told to whoever takes it
  asked.set(href, answer);
  return answer;
}

/** Whether nobody has taken the answer yet. */
export function isAwaited(path: string): boolean {
  return asked.has(new URL(path, window.location.origin).href);
}

/** The answer to this very request, once; undefined where it was not asked for early. */
export function takeEarly({ method, url }: Request): Promise<Response> | undefined {
  if (method !== "GET") return undefined;
  const answer = asked.get(url);
  asked.delete(url);
  return answer;
}

/** Asks for a task of a project. */
export function claimEarly(path: string, size: number): void {
  const requestId = `r-${crypto.randomUUID()}`;
  const answer = fetch(path, {
    method: "POST",
    headers: { Accept: "application/json", "Content-Type": "application/json" },
    body: JSON.stringify({ request_id: requestId, size, purpose: "next" }),
  });
  answer.catch(() => undefined); // asked again, with the same id
  claimed = { requestId, answer };
}

/** The task that was asked for early, once. */
export function takeClaim(): EarlyClaim | undefined {
  const claim = claimed;
  claimed = undefined;
  return claim;
}
