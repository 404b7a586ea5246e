/** Longer without a key or the pointer is a pause, not work on an image. */
export const PAUSE_MS = 60_000;

export interface ActiveClock {
  /** Somebody did something. */
  touch: () => void;
  /** Milliseconds of work so far, pauses left out. */
  read: () => number;
}

/** A clock that runs only while somebody is at work. */
export function activeClock(now: () => number = Date.now): ActiveClock {
  let worked = 0;
  let touchedAt = now();
  const read = () => {
    const gap = now() - touchedAt;
    return gap <= PAUSE_MS ? worked + Math.max(gap, 0) : worked;
  };
  return {
    read,
    touch: () => {
      worked = read();
      touchedAt = now();
    },
  };
}
