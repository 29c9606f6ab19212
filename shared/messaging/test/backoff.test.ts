import { expect, test } from 'vitest';
import { backoff, delayAfter } from '../src/backoff.ts';

const policy = backoff({ initialDelayMs: 100, maxDelayMs: 1000, factor: 2, jitter: 0.5 });

test('the delay doubles after every attempt, up to the most', () => {
  expect([1, 2, 3, 4, 5, 50].map((attempt) => delayAfter(attempt, policy, () => 0))).toEqual([
    100, 200, 400, 800, 1000, 1000,
  ]);
});

test('jitter is only ever added', () => {
  const delays = [0, 0.5, 1].map((random) => delayAfter(1, policy, () => random));
  expect(delays).toEqual([100, 125, 150]);
});

test.each([
  [{ maxAttempts: 0 }, 'retry.maxAttempts is 0'],
  [{ initialDelayMs: -1 }, 'retry.initialDelayMs is -1'],
  [{ initialDelayMs: 10, maxDelayMs: 5 }, 'retry.maxDelayMs is 5'],
  [{ factor: Number.NaN }, 'retry.factor is NaN'],
  [{ attempts: 3 }, 'retry.attempts is not an option'],
] as const)('%o is refused', (options: object, reason) => {
  expect(() => backoff(options)).toThrow(reason);
});
