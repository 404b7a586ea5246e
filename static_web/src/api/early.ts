/**
 * What the first page needs is asked for while the app's code is still on its way, and taken by the request
 * that would have asked: see boot.ts.
 */
let asked = new Map<string, Promise<Response>>();
let claimed: (EarlyClaim & { path: string }) | undefined;
let begun = 0; // a wall clock time in ms

/** Later than this after it was asked for, an answer may no longer be true. */
export const BELIEVED_MS = 20_000;

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
  begun = Date.now();
  return answer;
}

/** Whether nobody has taken the answer yet. */
export function isAwaited(path: string): boolean {
  return asked.has(new URL(path, window.location.origin).href);
}

/** The answer to this very request, once; undefined where it was not asked for early. */
export function takeEarly({ method, url }: Request): Promise<Response> | undefined {
  if (method !== "GET") return undefined;
  dropOld();
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
  claimed = { path, requestId, answer };
  begun = Date.now();
}

/** The task of a project that was asked for early, once. */
export function takeClaim(path: string): EarlyClaim | undefined {
  dropOld();
  const claim = claimed;
  claimed = undefined;
  return claim?.path === path ? claim : undefined;
}

/** From here on everything is asked anew: much may have happened since. */
export function dropEarly(): void {
  asked = new Map();
  claimed = undefined;
}

function dropOld(): void {
  if (Date.now() - begun > BELIEVED_MS) dropEarly();
}
