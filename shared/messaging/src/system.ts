import { randomUUID } from 'node:crypto';
import type { Clock, Ids } from '@waggle/kernel';

/** The most that the platform's timers can wait; beyond it they would fire at once. */
const LONGEST_MS = 2 ** 31 - 1;

/** The system's clock. Its timers do not keep the process alive. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(delayMs, action) {
    if (delayMs > LONGEST_MS) {
      let cancel = systemClock.after(LONGEST_MS, () => {
        cancel = systemClock.after(delayMs - LONGEST_MS, action);
      });
      return () => cancel();
    }
    const timer = setTimeout(action, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/** Random UUIDs (RFC 9562, version 4). */
export const randomIds: Ids = { next: () => randomUUID() };
