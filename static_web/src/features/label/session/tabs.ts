/**
 * One tab at a time works on a project: the one that holds its lock (Web Locks). Another one waits, goes on
 * by itself when the first is closed, or takes the lock over.
 */
export interface Turn {
  takeOver: () => void;
  close: () => void;
}

export interface TurnEvents {
  /** This tab may work now. */
  mine: () => void;
  /** Another tab works. */
  others: () => void;
}

/** Waits for this tab's turn. Browsers without locks (and pages without https) take theirs at once. */
export function waitForTurn(
  name: string,
  on: TurnEvents,
  locks: LockManager | undefined = (globalThis.navigator as Partial<Navigator>).locks,
): Turn {
  let closed = false;
  let end: () => void = () => undefined;
  let waiting = new AbortController();

  const work = (lock: Lock | null): Promise<void> | undefined => {
    if (closed) return undefined;
    if (!lock) {
      wait();
      return undefined;
    }
    on.mine();
    return new Promise((resolve) => (end = resolve));
  };
  /** Rejects when another tab takes the lock over, or when waiting was given up. */
  const request = (options: LockOptions): void => {
    locks?.request(name, options, work).catch(() => {
      if (!closed && !options.signal?.aborted) wait();
    });
  };
  const wait = (): void => {
    on.others();
    waiting = new AbortController();
    request({ signal: waiting.signal });
  };

  if (locks) request({ ifAvailable: true });
  else on.mine();

  return {
    takeOver: () => {
      waiting.abort();
      request({ steal: true });
    },
    close: () => {
      closed = true;
      waiting.abort();
      end();
    },
  };
}
