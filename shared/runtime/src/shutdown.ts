import { setTimeout as delay } from 'node:timers/promises';
import type { DrainReport, Logger } from '@waggle/kernel';
import { messageOf } from '@waggle/kernel';
import type { Messaging, Relay, Store } from '@waggle/messaging';
import { within } from './deadline.ts';
import type { RunningReadModels } from './read-models.ts';
import type { RunningHttpServer } from './server.ts';

/** Of the budget, what handlings and requests may use; the rest is for the outbox and for closing. */
const WORK_SHARE = 0.8;
/** A step that finds no time left gets this much all the same: enough to say goodbye, not to wait. */
const LEAST_MS = 250;
const MOST_COUNTED = 10_000;

/** What was cut off when a host stopped. */
export interface StopReport extends DrainReport {
  /** Messages that stayed in the outbox, counted up to 10,000; `undefined` where the store did not tell. */
  readonly unsent: number | undefined;
}

export interface ShutdownOptions {
  /** How long everything goes on as before, in real time: readiness is gone already, and is seen to be. */
  readonly delayMs: number;
  /** How long the rest may take. Real time, whatever the clock: the process is killed in real time, too. */
  readonly budgetMs: number;
  readonly messaging: Messaging;
  readonly server: RunningHttpServer;
  readonly relay: Relay;
  readonly readModels: readonly RunningReadModels[];
  readonly store: Store;
  readonly logger: Logger;
}

/**
 * After the delay, from the last to the first: consumers take nothing more, while requests are still answered, so that a load balancer
 * sees that the host is not ready; then the listener closes, the outbox is flushed, connections close. No step may take
 * the time of all.
 */
export async function shutDown(options: ShutdownOptions): Promise<StopReport> {
  const { delayMs, budgetMs, messaging, server, relay, readModels, store, logger } = options;
  logger.info('stopping', { delayMs, budgetMs });
  if (delayMs > 0) await delay(delayMs);
  const startedAt = performance.now();
  const leftMs = (share = 1): number => Math.max(0, startedAt + budgetMs * share - performance.now());
  const atLeast = (ms: number): number => Math.max(LEAST_MS, ms);

  async function drain(): Promise<DrainReport> {
    const nothing = { finished: 0, abandoned: [] };
    const report = await within(atLeast(leftMs()), messaging.drain(leftMs(WORK_SHARE)), undefined);
    if (report === undefined) logger.warn('consumers did not end in time: what they hold is delivered again');
    return report ?? nothing;
  }

  async function flush(): Promise<number | undefined> {
    try {
      const count = async (): Promise<number> =>
        (await store.outbox({ after: 0, limit: MOST_COUNTED })).entries.length;
      const left = await within(leftMs(), relay.stop(leftMs()), 'late');
      const unsent = left === 'late' ? await within(LEAST_MS, count(), undefined) : left;
      if (unsent !== 0) {
        logger.warn('messages stayed in the outbox: they are sent when a host starts on this store again', {
          unsent,
        });
      }
      return unsent;
    } catch (error) {
      logger.error('outbox not flushed: what is in it is sent after the next start', {
        reason: messageOf(error),
      });
      return undefined;
    }
  }

  const report = await drain();
  await server.close(leftMs(WORK_SHARE));
  const ended = Promise.allSettled(readModels.map((each) => each.stop()));
  const unsent = await flush();
  await within(atLeast(leftMs()), ended, undefined);
  const closing = release(messaging, store).then(() => 'closed' as const);
  if ((await within(atLeast(leftMs()), closing, 'late')) === 'late') {
    logger.warn('connections did not close in time: they are cut when the process ends');
  }
  logger.info('stopped', { ...report, unsent });
  return { ...report, unsent };
}

/** Closes what was opened; the store also where the broker cannot be closed. */
export async function release(messaging: Messaging, store: Store): Promise<void> {
  try {
    await messaging.close();
  } finally {
    await store.close();
  }
}
