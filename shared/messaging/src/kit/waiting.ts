import type { Clock } from '@waggle/kernel';

/** The promise, or the reason of the signal if that aborts before. */
export async function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
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

/** Resolves after `delayMs`, when the signal aborts, or when `early` calls back; never rejects. */
export async function pause(
  clock: Clock,
  delayMs: number,
  signal: AbortSignal,
  early: (action: () => void) => () => void = () => () => undefined,
): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const cancel = clock.after(delayMs, resolve);
  const stop = early(resolve);
  const onAbort = (): void => resolve();
  signal.addEventListener('abort', onAbort);
  await promise;
  cancel();
  stop();
  signal.removeEventListener('abort', onAbort);
}

/** Milliseconds before attempt number `attempt` (from 0): quick at first, then ever slower; by chance, so that many do not come at once. */
export function reconnectDelayMs(attempt: number): number {
  return Math.min(50 * 2 ** Math.min(attempt, 10), 2_000) * (0.5 + Math.random() / 2);
}
