import { backoff } from './backoff.ts';

const FIRST_LEVEL_MS = 50;
const LEVEL_FACTOR = 1.4;
const next = (level: number): number => Math.ceil(level * LEVEL_FACTOR);

/**
 * For brokers that delay whole queues, not messages: the level of a delay is the smallest on the grid that is not shorter,
 * because a delay is a floor.
 */
export function delayLevel(delayMs: number): number {
  let level = FIRST_LEVEL_MS;
  while (level < delayMs) level = next(level);
  return level;
}

/** Every level that retries ask for, unless a handler has a policy of its own that waits longer. */
export function usualDelayLevels(): readonly number[] {
  const { maxDelayMs, jitter } = backoff();
  const levels = [FIRST_LEVEL_MS];
  for (let last = FIRST_LEVEL_MS; last < maxDelayMs * (1 + jitter); levels.push(last)) last = next(last);
  return levels;
}
