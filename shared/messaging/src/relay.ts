import type { Clock, Logger } from '@waggle/kernel';
import { messageOf } from '@waggle/kernel';
import { backoff, delayAfter } from './backoff.ts';
import { within } from './kit/waiting.ts';
import type { Publisher } from './publisher.ts';
import type { OutboxEntry, Store } from './store.ts';

const RETRY = backoff({ initialDelayMs: 100, maxDelayMs: 10_000, jitter: 0 });

const MOST_COUNTED = 10_000;

export interface RelayOptions {
  readonly store: Store;
  readonly publisher: Publisher;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Most messages that are on their way to the broker at one time. @default 256 */
  readonly batchSize?: number;
  /** How often the outbox is looked at without having been woken. @default 1_000 */
  readonly pollMs?: number;
}

/** Moves messages from the outbox to the broker. */
export interface Relay {
  start(): void;
  /**
   * Finishes the batch that is under way and goes once more through the outbox, as far as `budgetMs` allows, and ends.
   * Returns how many messages are left (counted up to 10,000); they stay in the outbox. Idempotent.
   */
  stop(budgetMs: number): Promise<number>;
}

/**
 * Publishes what was committed, in the order of commits for each key: at most one message of a key is unconfirmed at
 * a time, and what fails holds back its own key alone. Removed from the outbox only after the broker confirmed, so a
 * kill in between publishes it again: at least once.
 */
export function createRelay({
  store,
  publisher,
  clock,
  logger,
  batchSize = 256,
  pollMs = 1_000,
}: RelayOptions): Relay {
  const failing = new Map<string, { attempts: number; notBeforeMs: number }>();
  let wake = (): void => undefined;
  let awake = false;
  let stopped = false;
  let loop: Promise<void> | undefined;
  let unsubscribe = (): void => undefined;

  async function run(): Promise<void> {
    while (!stopped) {
      awake = false;
      try {
        await pass(() => stopped);
      } catch (error) {
        logger.error('outbox relay failed', { reason: messageOf(error) });
      }
      await rest();
    }
  }

  /** Until somebody commits, the next failing key may be tried, or the poll interval is over. */
  async function rest(): Promise<void> {
    if (awake || stopped) return;
    let dueMs = clock.now() + pollMs;
    for (const { notBeforeMs } of failing.values()) dueMs = Math.min(dueMs, notBeforeMs);
    await new Promise<void>((resolve) => {
      const cancel = clock.after(Math.max(1, dueMs - clock.now()), resolve);
      wake = () => {
        cancel();
        resolve();
      };
    });
  }

  /** What is still under way then ends by itself; what it could not do stays in the outbox. */
  async function until(deadlineMs: number, work: Promise<void>): Promise<void> {
    const done = work.catch((error: unknown) => {
      logger.error('outbox relay failed', { reason: messageOf(error) });
    });
    await within(clock, deadlineMs - clock.now(), done, () => undefined).catch(() => undefined);
  }

  /** Once through the outbox, unless told to end earlier. */
  async function pass(isOver: () => boolean): Promise<void> {
    let after = 0;
    const heldBack = new Set<string>();
    const gone = new Set(failing.keys());
    for (const [key, { notBeforeMs }] of failing) if (notBeforeMs > clock.now()) heldBack.add(key);
    while (!isOver()) {
      const page = await store.outbox(after, batchSize);
      const last = page.at(-1);
      if (last === undefined) {
        // Another relay published them; they must not keep this one awake.
        for (const key of gone) failing.delete(key);
        return;
      }
      after = last.position;
      for (const entry of page) gone.delete(keyOf(entry));
      let rest: readonly OutboxEntry[] = page;
      while (rest.length > 0 && !isOver()) rest = await publishWave(rest, heldBack);
    }
  }

  /** The first message of each key; returns those that have to wait for theirs. */
  async function publishWave(
    entries: readonly OutboxEntry[],
    heldBack: Set<string>,
  ): Promise<readonly OutboxEntry[]> {
    const wave: OutboxEntry[] = [];
    const later: OutboxEntry[] = [];
    const inWave = new Set<string>();
    for (const entry of entries) {
      const key = keyOf(entry);
      if (heldBack.has(key)) continue;
      (inWave.has(key) ? later : wave).push(entry);
      inWave.add(key);
    }
    const outcomes = await publisher.publish(wave);
    await store.removeFromOutbox(
      wave.filter((_, index) => outcomes[index] === undefined).map(({ position }) => position),
    );
    wave.forEach((entry, index) => {
      const error = outcomes[index];
      const key = keyOf(entry);
      if (error === undefined) return void failing.delete(key);
      const attempts = (failing.get(key)?.attempts ?? 0) + 1;
      failing.set(key, { attempts, notBeforeMs: clock.now() + delayAfter(attempts, RETRY, () => 0) });
      heldBack.add(key);
      const { id, type } = entry.message;
      logger.warn('not published yet', { id, type, attempts, reason: error.message });
    });
    return later;
  }

  return {
    start() {
      if (loop !== undefined) return;
      unsubscribe = store.onOutbox(() => {
        awake = true;
        wake();
      });
      loop = run();
    },
    async stop(budgetMs) {
      const deadlineMs = clock.now() + budgetMs;
      const first = !stopped;
      stopped = true;
      unsubscribe();
      wake();
      const finish = async (): Promise<void> => {
        await loop;
        if (first && loop !== undefined) await pass(() => clock.now() >= deadlineMs);
      };
      await until(deadlineMs, finish());
      return (await store.outbox(0, MOST_COUNTED)).length;
    },
  };
}

/** Messages without a key have no order among each other: each is its own key. */
function keyOf({ kind, message }: OutboxEntry): string {
  return message.partitionkey === undefined ? `id ${message.id}` : `${kind} ${message.partitionkey}`;
}
