import type { Clock } from '@waggle/kernel';
import { pause } from '../kit/waiting.ts';
import type { Added, Store } from './store.ts';

const NEVER = new AbortController().signal;

/** Rests between two looks at a store. */
export interface Waiting {
  /** Before a look: what is added from here on ends the next rest at once. */
  arm(): void;
  /** Until something was added, the poll interval is over (or `mostMs`, if that is less), or the signal aborts. */
  rest(signal?: AbortSignal, mostMs?: number): Promise<void>;
  /** Something was there: the next poll is soon, as more may come. */
  found(): void;
  /** Ends the rest under way. */
  readonly wake: () => void;
  /** Ends the rest under way, and does so with every later one. */
  end(): void;
}

/** The poll interval after something was found; from there it doubles. */
const SOON_MS = 25;

/** Woken by what the store tells of these. Polling is for what it does not tell: ever slower, down to once every `pollMs`. */
export function createWaiting(
  store: Pick<Store, 'onCommit'>,
  forWhat: Added | readonly Added[],
  clock: Clock,
  pollMs: number,
): Waiting {
  const wanted: readonly Added[] = [forWhat].flat();
  let added = false;
  let ended = false;
  let intervalMs = SOON_MS;
  let wake = (): void => undefined;
  const forget = store.onCommit((what) => {
    if (wanted.includes(what)) waiting.wake();
  });
  const waiting: Waiting = {
    arm: () => void (added = false),
    async rest(signal = NEVER, mostMs = Infinity) {
      if (added || ended) return;
      const restMs = Math.max(1, Math.min(intervalMs, mostMs));
      intervalMs = Math.min(pollMs, intervalMs * 2);
      await pause(clock, restMs, signal, (resolve) => {
        wake = resolve;
        return () => (wake = () => undefined);
      });
    },
    wake: () => {
      added = true;
      wake();
    },
    found: () => void (intervalMs = SOON_MS),
    end() {
      ended = true;
      forget();
      wake();
    },
  };
  return waiting;
}
