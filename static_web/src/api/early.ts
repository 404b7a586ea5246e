/**
 * What the first page needs is asked for while the app's code is still on its way, and taken by the request
 * that would have asked: see boot.ts.
 */
const asked = new Map<string, Promise<Response>>();

export function askEarly(path: string): void {
  const { href } = new URL(path, window.location.origin);
  const answer = fetch(href, { headers: { Accept: "application/json" } });
  answer.catch(() => undefined); // told to whoever takes it
  asked.set(href, answer);
}

/** The answer to this very request, once; undefined where it was not asked for early. */
export function takeEarly({ method, url }: Request): Promise<Response> | undefined {
  if (method !== "GET") return undefined;
  const answer = asked.get(url);
  asked.delete(url);
  return answer;
}
