import { randomUUID } from 'node:crypto';
import type { Clock, Ids } from '@waggle/kernel';

/** The most that the platform's timers can wait; beyond it they would fire at once. */
const LONGEST_MS = 2 ** 31 - 1;

function createClock({ keepsAlive }: { readonly keepsAlive: boolean }): Clock {
  const clock: Clock = {
    now: () => Date.now(),
    after(delayMs, action) {
      if (delayMs > LONGEST_MS) {
        let cancel = clock.after(LONGEST_MS, () => {
          cancel = clock.after(delayMs - LONGEST_MS, action);
        });
        return () => cancel();
      }
      const timer = setTimeout(action, delayMs);
      if (!keepsAlive) timer.unref();
      return () => clearTimeout(timer);
    },
  };
  return clock;
}

/** The system's clock. Its timers do not keep the process alive. */
export const systemClock: Clock = createClock({ keepsAlive: false });

/** The system's clock for what has to be waited for: its timers keep the process alive. */
export const wakefulClock: Clock = createClock({ keepsAlive: true });

/** Random UUIDs (RFC 9562, version 4). */
export const randomIds: Ids = { next: () => randomUUID() };
