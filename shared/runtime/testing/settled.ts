import type { VirtualClock } from '@waggle/messaging';
import type { Host } from '../src/index.ts';

export interface SettledOptions {
  /** Time that stands still is moved on while there is something to wait for. @default the system's clock */
  readonly clock?: VirtualClock;
  /** Real time. @default 10_000 */
  readonly timeoutMs?: number;
}

const LOOK_MS = 10;

/**
 * Resolves once everything that was set in motion has happened, with all that followed from it: instead of a sleep in a test.
 * @throws Error at the time-out, as where a message is retried for ever
 */
export async function settled(host: Host, { clock, timeoutMs = 10_000 }: SettledOptions = {}): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await host.isSettled())) {
    if (performance.now() > deadline)
      throw new Error(`the host has not settled within ${timeoutMs} ms: look at /health for what has a lag`);
    if (clock === undefined) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    else await clock.advance(LOOK_MS);
  }
}
