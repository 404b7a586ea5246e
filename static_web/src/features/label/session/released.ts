/**
 * Tasks that this browser has given back. While a page is loaded anew the request is still on its way, and the
 * API lists them as open a last time: who went on with one would label what is no longer theirs. No task is
 * handed out twice, so that one is remembered until others have taken its place, whatever the clock says.
 */
const KEY = "labelry.released";
const REMEMBERED = 50;

export function rememberReleased(taskId: string): void {
  const tasks = [taskId, ...remembered().filter((one) => one !== taskId)];
  try {
    localStorage.setItem(KEY, JSON.stringify(tasks.slice(0, REMEMBERED)));
  } catch {
    // The storage is full: then the task may be shown once more, which is found out when it is submitted.
  }
}

export function wasReleased(taskId: string): boolean {
  return remembered().includes(taskId);
}

/** The last first. */
function remembered(): string[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(kept) ? kept.filter((one) => typeof one === "string") : [];
  } catch {
    return []; // not readable: as if there were none
  }
}
