import type { Random, RetryPolicy } from '@waggle/kernel';
import { MessagingError } from '@waggle/kernel';

const DEFAULTS = { maxAttempts: 5, initialDelayMs: 100, maxDelayMs: 30_000, factor: 2, jitter: 0.2 };

/** A retry policy with nothing left open. */
export type Backoff = Required<RetryPolicy>;

/** Fills in the defaults. @throws MessagingError `invalid`, naming the option */
export function backoff(policy: RetryPolicy = {}): Backoff {
  for (const name of Object.keys(policy)) {
    if (!Object.hasOwn(DEFAULTS, name)) {
      throw new MessagingError(
        'invalid',
        `retry.${name} is not an option: use ${Object.keys(DEFAULTS).join(', ')}`,
      );
    }
  }
  const complete = { ...DEFAULTS, ...policy };
  checkAtLeast('retry.maxAttempts', complete.maxAttempts, 1);
  checkAtLeast('retry.initialDelayMs', complete.initialDelayMs, 0);
  checkAtLeast('retry.maxDelayMs', complete.maxDelayMs, complete.initialDelayMs);
  checkAtLeast('retry.factor', complete.factor, 1);
  checkAtLeast('retry.jitter', complete.jitter, 0);
  return complete;
}

/** @throws MessagingError `invalid` unless `value` is a number of at least `least` */
export function checkAtLeast(name: string, value: number, least: number): void {
  if (!(Number.isFinite(value) && value >= least)) {
    throw new MessagingError('invalid', `${name} is ${value}: it must be a number of at least ${least}`);
  }
}

/** Milliseconds to wait after attempt number `attempt` failed. Jitter is only ever added: the curve is a floor. */
export function delayAfter(attempt: number, policy: Backoff, random: Random): number {
  const exponential = policy.initialDelayMs * policy.factor ** (attempt - 1);
  const floor = Math.min(exponential, policy.maxDelayMs);
  return Math.ceil(floor * (1 + policy.jitter * random()));
}
