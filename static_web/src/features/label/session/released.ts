/**
 * Tasks that this browser has just given back. While a page is loaded anew the request is still on its way,
 * and the API lists them as open a last time: who went on with one would label what is no longer theirs.
 */
const KEY = "labelry.released";
/** After that the request has failed, and the task is this labeler's again. */
const FOR_MS = 20_000;

export function rememberReleased(taskId: string): void {
  const tasks = { ...recently(), [taskId]: Date.now() };
  try {
    localStorage.setItem(KEY, JSON.stringify(tasks));
  } catch {
    // The storage is full: then the task may be shown once more, which is found out when it is submitted.
  }
}

export function wasReleased(taskId: string): boolean {
  return taskId in recently();
}

/** When each was given back. */
function recently(): Record<string, number> {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? "{}") as Record<string, number>;
    const tasks = Object.entries(kept);
    return Object.fromEntries(tasks.filter(([, at]) => Date.now() - at < FOR_MS));
  } catch {
    return {}; // not readable: as if there were none
  }
}
