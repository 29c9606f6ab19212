import type { Clock } from '@waggle/kernel';

interface Deadline {
  readonly atMs: number;
  pass(): void;
}

/** Deadlines of one length: a timer for the oldest serves them all, where one for each costs more than many a handling. */
export function createDeadlines(delayMs: number, clock: Clock) {
  /** The oldest first. */
  const pending = new Set<Deadline>();
  let armed = false;

  function arm(afterMs: number): void {
    armed = true;
    clock.after(afterMs, sweep);
  }

  function sweep(): void {
    armed = false;
    const now = clock.now();
    for (const deadline of pending) {
      if (deadline.atMs > now) return arm(deadline.atMs - now);
      pending.delete(deadline);
      deadline.pass();
    }
  }

  return {
    /** Whether `work` was done before its deadline; throws what it throws. */
    within(work: Promise<void>): Promise<boolean> {
      const { promise, resolve, reject } = Promise.withResolvers<boolean>();
      const deadline: Deadline = { atMs: clock.now() + delayMs, pass: () => resolve(false) };
      pending.add(deadline);
      if (!armed) arm(delayMs);
      const done = (): void => {
        pending.delete(deadline);
        resolve(true);
      };
      const failed = (error: unknown): void => {
        pending.delete(deadline);
        reject(error);
      };
      work.then(done, failed);
      return promise;
    },
  };
}
