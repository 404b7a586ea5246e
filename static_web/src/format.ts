/** Numbers, sizes and times as the language writes them. */

export function formatNumber(value: number, language: string): string {
  return new Intl.NumberFormat(language).format(value);
}

export function formatPercent(share: number, language: string, digits = 0): string {
  const options = { style: "percent", maximumFractionDigits: digits } as const;
  return new Intl.NumberFormat(language, options).format(share);
}

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"] as const;

export function formatBytes(bytes: number, language: string): string {
  const power = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), UNITS.length - 1);
  return new Intl.NumberFormat(language, {
    style: "unit",
    unit: UNITS[power] ?? "byte",
    unitDisplay: "short",
    maximumSignificantDigits: 3,
  }).format(bytes / 1000 ** power);
}

/** A length of time in hours and minutes, in seconds below a minute. */
export function formatDuration(ms: number, language: string): string {
  const written = (value: number, unit: "hour" | "minute" | "second") =>
    new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "short" }).format(value);
  const minutes = Math.floor(ms / 60_000);
  if (!minutes) return written(Math.floor(ms / 1000), "second");
  if (minutes < 60) return written(minutes, "minute");
  const rest = minutes % 60;
  const hours = written(Math.floor(minutes / 60), "hour");
  return rest ? `${hours} ${written(rest, "minute")}` : hours;
}

/** The time of day; the date before it where that was not today. */
export function formatWhen(time: string | number, language: string): string {
  const moment = new Date(time);
  const today = moment.toDateString() === new Date().toDateString();
  return new Intl.DateTimeFormat(language, {
    ...(!today && { month: "short", day: "numeric" }),
    hour: "numeric",
    minute: "2-digit",
  }).format(moment);
}

/** A day of the calendar, wherever one is: `2026-03-04`. */
export function formatDay(day: string, language: string): string {
  return new Intl.DateTimeFormat(language, {
    month: "short",
    day: "numeric",
    timeZone: "UTC",
  }).format(new Date(day));
}

/** A day to come: today or tomorrow (`near`), a day of the week, or the date where it is further away. */
export function formatWeekday(
  moment: Date,
  now: Date,
  language: string,
): { day: string; near: boolean } {
  const midnight = (one: Date) => new Date(one).setHours(0, 0, 0, 0);
  const away = Math.round((midnight(moment) - midnight(now)) / 86_400_000);
  if (away <= 1)
    return {
      day: new Intl.RelativeTimeFormat(language, { numeric: "auto" }).format(away, "day"),
      near: true,
    };
  const options: Intl.DateTimeFormatOptions =
    away < 7
      ? { weekday: "long" }
      : {
          month: "long",
          day: "numeric",
          ...(moment.getFullYear() !== now.getFullYear() && { year: "numeric" }),
        };
  return { day: new Intl.DateTimeFormat(language, options).format(moment), near: false };
}

export function formatTime(time: string, language: string): string {
  return new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" }).format(
    new Date(time),
  );
}
