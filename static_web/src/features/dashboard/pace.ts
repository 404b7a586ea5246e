import { leftIn } from "@/api/queries";
import type { Progress } from "@/api/types";

const DAY_MS = 86_400_000;
const WEEK = 7;

/** One day of a project: images labeled since it, and since it or before. */
export interface Day {
  day: string;
  images: number;
  inAll: number;
}

/** Every day from the first on which something was labeled until now, also those on which nothing was. */
export function daysOf(progress: Progress): Day[] {
  const first = progress.days[0];
  if (!first) return [];
  const images = new Map(progress.days.map((one) => [one.day, one.images]));
  const known = progress.days.reduce((sum, one) => sum + one.images, 0);
  // What was labeled before days were counted.
  let inAll = Math.max((progress.states["labeled"] ?? 0) - known, 0);
  const days: Day[] = [];
  const last = Math.max(...[progress.at, ...images.keys()].map((one) => midnight(one)));
  for (let at = midnight(first.day); at <= last; at += DAY_MS) {
    const day = new Date(at).toISOString().slice(0, 10);
    const count = images.get(day) ?? 0;
    inAll += count;
    days.push({ day, images: count, inAll });
  }
  return days;
}

/** When all will be labeled, if it goes on as today or, where that was more, as in the week before; null: unknown. */
export function doneAt(progress: Progress): Date | null {
  const days = daysOf(progress);
  const left = leftIn(progress);
  const today = days.at(-1);
  if (!today || !left || progress.state !== "running") return null;
  const before = days.slice(-1 - WEEK, -1);
  const mean = before.reduce((sum, one) => sum + one.images, 0) / Math.max(before.length, 1);
  const pace = Math.max(today.images, mean);
  return pace ? new Date(Date.parse(progress.at) + (left / pace) * DAY_MS) : null;
}

function midnight(moment: string): number {
  return Date.parse(moment.slice(0, 10));
}
