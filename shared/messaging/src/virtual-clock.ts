import type { Clock } from '@waggle/kernel';
import { Agenda } from './agenda.ts';

/** Turns of the event loop that `advance` gives to what a timer set in motion. */
const SETTLE_TURNS = 8;

/** Time that stands still until it is told to go on. */
export interface VirtualClock extends Clock {
  /** Timers that have neither run nor been cancelled. */
  readonly pending: number;
  /**
   * Moves time on by `ms`, running the timers that become due in the order of their times, each at its own time, and
   * lets promises settle before the first, in between, and after the last. Calls that overlap run one after the other.
   * Real I/O is not waited for. Rejects with what a timer throws.
   */
  advance(ms: number): Promise<void>;
}

interface Timer {
  action: (() => void) | undefined;
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < SETTLE_TURNS; turn++) await new Promise((resume) => setImmediate(resume));
}

/** @param startMs the time at the beginning, in milliseconds since the epoch @default 2026-01-01T00:00:00Z */
export function virtualClock(startMs: number = Date.UTC(2026, 0, 1)): VirtualClock {
  const timers = new Agenda<Timer>();
  let nowMs = startMs;
  let pending = 0;
  let queue: Promise<void> = Promise.resolve();

  const run = async (ms: number): Promise<void> => {
    const untilMs = nowMs + Math.max(0, ms);
    await settle();
    for (let next = timers.nextMs; next !== undefined && next <= untilMs; next = timers.nextMs) {
      nowMs = Math.max(nowMs, next);
      const timer = timers.takeDue(nowMs);
      const action = timer?.action;
      if (timer === undefined || action === undefined) continue;
      timer.action = undefined;
      pending -= 1;
      action();
      await settle();
    }
    nowMs = untilMs;
    await settle();
  };

  return {
    now: () => nowMs,
    after(delayMs, action) {
      const timer: Timer = { action };
      timers.add(nowMs + (delayMs > 0 ? delayMs : 0), timer);
      pending += 1;
      return () => {
        if (timer.action === undefined) return;
        timer.action = undefined;
        pending -= 1;
      };
    },
    advance(ms) {
      const done = queue.then(() => run(ms));
      queue = done.catch(() => undefined);
      return done;
    },
    get pending() {
      return pending;
    },
  };
}
