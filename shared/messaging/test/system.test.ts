import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { systemClock } from '../src/index.ts';

const DAY_MS = 86_400_000;
beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('a timer of forty days, longer than the platform has, fires after forty days and once', () => {
  const action = vi.fn<() => void>();
  systemClock.after(40 * DAY_MS, action);
  vi.advanceTimersByTime(40 * DAY_MS - 1);
  expect(action).not.toHaveBeenCalled();
  vi.advanceTimersByTime(40 * DAY_MS);
  expect(action).toHaveBeenCalledTimes(1);
});

test('a long timer can be cancelled in each of its parts', () => {
  const action = vi.fn<() => void>();
  const cancel = systemClock.after(40 * DAY_MS, action);
  vi.advanceTimersByTime(30 * DAY_MS);
  cancel();
  vi.advanceTimersByTime(40 * DAY_MS);
  expect(action).not.toHaveBeenCalled();
});
