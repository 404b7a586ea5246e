/** How long a scroll is looked back on. */
const WINDOW_MS = 150;

/** Follows a scroll: pixels a second, up or down, in the last moment; one that was at rest before is not fast yet. */
export function paceOf(): (offset: number, at: number) => number {
  let seen: { offset: number; at: number }[] = [];
  return (offset, at) => {
    seen = [...seen.filter((one) => at - one.at <= WINDOW_MS), { offset, at }];
    const [first] = seen;
    if (!first || at === first.at) return 0;
    return (Math.abs(offset - first.offset) / Math.max(at - first.at, WINDOW_MS / 2)) * 1000;
  };
}
