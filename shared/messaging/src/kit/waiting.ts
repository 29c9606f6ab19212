import type { Clock, Random } from '@waggle/kernel';

/** The promise, or the reason of the signal if that aborts before. */
export async function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([aborted, promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** The promise, or what `late` makes if it is not settled within `timeoutMs`. */
export async function within<T>(
  clock: Clock,
  timeoutMs: number,
  promise: Promise<T>,
  late: () => unknown,
): Promise<T> {
  const { promise: passed, reject } = Promise.withResolvers<never>();
  const cancel = clock.after(Math.max(0, timeoutMs), () => reject(late()));
  try {
    return await Promise.race([promise, passed]);
  } finally {
    cancel();
  }
}

/** Resolves after `delayMs` (`Infinity`: never), when the signal aborts, or when `early` calls back; never rejects. */
export async function pause(
  clock: Clock,
  delayMs: number,
  signal: AbortSignal,
  early: (action: () => void) => () => void = () => () => undefined,
): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const cancel = delayMs === Infinity ? () => undefined : clock.after(delayMs, resolve);
  const stop = early(resolve);
  const onAbort = (): void => resolve();
  signal.addEventListener('abort', onAbort);
  await promise;
  cancel();
  stop();
  signal.removeEventListener('abort', onAbort);
}

/** Milliseconds before attempt number `attempt` (from 0): quick at first, then ever slower; by chance, so that many do not come at once. */
export function reconnectDelayMs(attempt: number, random: Random = Math.random): number {
  return Math.min(50 * 2 ** Math.min(attempt, 10), 2_000) * (0.5 + random() / 2);
}

/**
 * Milliseconds before asking again a server that is there and has refused so often in a row (from 1): a second at first,
 * half a minute in the end. What is not allowed is not allowed sooner by asking often, and may be counted against who asks.
 */
export function refusedDelayMs(refusals: number, random: Random = Math.random): number {
  return Math.min(500 * 2 ** Math.min(refusals, 10), 30_000) * (0.5 + random() / 2);
}

const TRY_AGAIN_MS = 50;

/** Does it again, for `mostMs` and what each try takes, while it fails for a reason that may pass. */
export async function persist<T>(
  clock: Clock,
  signal: AbortSignal,
  mayPass: (error: unknown) => boolean,
  mostMs: number,
  work: () => Promise<T>,
): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (tries * TRY_AGAIN_MS >= mostMs || signal.aborted || !mayPass(error)) throw error;
    }
    await pause(clock, TRY_AGAIN_MS, signal);
  }
}
