import type { Observation, Observer } from '@waggle/kernel';

/** An observation and when it was made, in milliseconds since the journal began. */
export interface Entry extends Observation {
  readonly atMs: number;
}

/** Writes down what happens to messages, and tells when something has happened. */
export interface Journal {
  readonly observer: Observer;
  readonly entries: readonly Entry[];
  readonly nowMs: () => number;
  /** Resolves as soon as `holds` does. @throws Error with `what` after `deadlineMs` */
  until(what: string, deadlineMs: number, holds: (entries: readonly Entry[]) => boolean): Promise<void>;
}

export function createJournal(): Journal {
  const startedAt = performance.now();
  const nowMs = (): number => performance.now() - startedAt;
  const entries: Entry[] = [];
  const waiting = new Set<() => void>();
  return {
    entries,
    nowMs,
    observer(observation) {
      entries.push({ ...observation, atMs: nowMs() });
      for (const look of waiting) look();
    },
    until: (what, deadlineMs, holds) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting.delete(look);
          reject(new Error(`not within ${deadlineMs} ms: ${what}`));
        }, deadlineMs);
        const look = (): void => {
          if (!holds(entries)) return;
          clearTimeout(timer);
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
  };
}

/** How many different messages of this type a consumer has handled. */
export function handled(entries: readonly Entry[], consumer: string): number {
  const done = entries.filter((entry) => entry.what === 'handled' && entry.consumer === consumer);
  return new Set(done.map(({ id }) => id)).size;
}
