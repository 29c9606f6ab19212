import { randomUUID } from 'node:crypto';
import type { Clock, CloudEvent, Logger } from '@waggle/kernel';
import { messageOf } from '@waggle/kernel';
import { backoff, delayAfter } from '../backoff.ts';
import { within } from '../kit/waiting.ts';
import type { Publisher } from '../publisher.ts';
import { PARTITIONS } from './partitions.ts';
import { createShares } from './shares.ts';
import type { OutboxEntry, Store } from './store.ts';
import { createWaiting } from './waiting.ts';

const RETRY = backoff({ initialDelayMs: 100, maxDelayMs: 10_000, jitter: 0 });

const MOST_COUNTED = 10_000;

/** What it takes to tell the others that a relay is gone; without it they wait for the end of its lease. */
const LEAVE_MS = 250;

const ALL_PARTITIONS = Array.from({ length: PARTITIONS }, (_, partition) => String(partition));

export interface RelayOptions {
  readonly store: Store;
  readonly publisher: Publisher;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Without a sign of life for so long, what a relay holds goes to another. @default 30_000 */
  readonly leaseMs?: number;
  /** Most messages that are on their way to the broker at one time. @default 256 */
  readonly batchSize?: number;
  /** How often the outbox is looked at, at least, without having been woken. @default 1_000 */
  readonly pollMs?: number;
}

/** Moves messages from the outbox to the broker. Any number may run on one store: they share its partitions. */
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
 * kill in between publishes it again: at least once. So does a change of the relay that holds a partition; the later
 * messages of a key go out after the earlier ones were confirmed to the same relay, so none overtakes.
 */
export function createRelay({
  store,
  publisher,
  clock,
  logger,
  leaseMs = 30_000,
  batchSize = 256,
  pollMs = 1_000,
}: RelayOptions): Relay {
  const failing = new Map<string, { attempts: number; notBeforeMs: number }>();
  const waiting = createWaiting(store, ['outbox', 'schedule'], clock, pollMs);
  const shares = createShares({
    store,
    pool: 'relay',
    jobs: ALL_PARTITIONS,
    member: randomUUID(),
    leaseMs,
    clock,
    logger,
    onChange: waiting.wake,
  });
  let nextDueMs: number | undefined = -Infinity;
  let scheduled = 0;
  let stopped = false;
  let loop: Promise<void> | undefined;
  const forgetSchedule = store.onCommit((added) => {
    if (added !== 'schedule') return;
    scheduled++;
    nextDueMs = -Infinity;
  });

  async function run(): Promise<void> {
    await shares.start();
    while (!stopped) {
      waiting.arm();
      let failed = false;
      try {
        await pass(() => stopped);
      } catch (error) {
        failed = true;
        logger.error('outbox relay failed', { reason: messageOf(error) });
      }
      // Whatever is due, a store that fails is asked ever less often.
      if (!stopped) await (failed ? waiting.rest() : rest());
    }
  }

  /** Until somebody commits, a message is due, the next failing key may be tried, or the poll interval is over. */
  async function rest(): Promise<void> {
    let untilMs = nextDueMs ?? Infinity;
    for (const { notBeforeMs } of failing.values()) untilMs = Math.min(untilMs, notBeforeMs);
    await waiting.rest(undefined, untilMs - clock.now());
  }

  /** What is due goes into the outbox; then what is in there to the broker. */
  async function pass(isOver: () => boolean): Promise<void> {
    while (nextDueMs !== undefined && nextDueMs <= clock.now() && !isOver()) {
      const before = scheduled;
      const { nextMs } = await store.releaseDue(clock.now(), batchSize);
      // What was scheduled meanwhile may be due earlier, and be in the answer or not.
      if (scheduled === before) nextDueMs = nextMs;
    }
    // Another process may have scheduled something that this one was not told of: so it is asked for with each poll.
    nextDueMs = Math.min(nextDueMs ?? Infinity, clock.now() + pollMs);
    await passOutbox(isOver);
  }

  /**
   * Once through the outbox as it is now, unless told to end earlier. What is committed meanwhile is for the next pass, which
   * begins at the start: a commit that was late could otherwise be overtaken by a later one of its key.
   */
  async function passOutbox(isOver: () => boolean): Promise<void> {
    const heldBack = new Set<string>();
    const gone = new Set(failing.keys());
    for (const [key, { notBeforeMs }] of failing) if (notBeforeMs > clock.now()) heldBack.add(key);
    let page = await read(0);
    const { head } = page;
    let removed: Promise<void> = Promise.resolve();
    const remove = async (positions: readonly number[]): Promise<void> => {
      await removed;
      removed = positions.length > 0 ? store.removeFromOutbox(positions) : Promise.resolve();
      removed.catch(() => undefined); // told at the next one
    };
    while (page.entries.length > 0 && !isOver()) {
      waiting.found();
      const { entries } = page;
      for (const entry of entries) gone.delete(keyOf(entry));
      // The next page is read, and what was confirmed removed, while these are on their way.
      const next = read(entries.at(-1)?.position ?? head, head);
      next.catch(() => undefined);
      await publishPage(entries, heldBack, remove, isOver);
      page = await next;
    }
    await removed;
    // Another relay published them; they must not keep this one awake.
    if (page.entries.length === 0) for (const key of gone) failing.delete(key);
  }

  async function read(after: number, upTo = Infinity): Promise<Awaited<ReturnType<Store['outbox']>>> {
    const partitions = [...shares.held().keys()].map(Number);
    if (partitions.length === 0 || after >= upTo) return { entries: [], head: 0 };
    const { entries, head } = await store.outbox({
      after,
      limit: batchSize,
      ...(partitions.length < PARTITIONS && { partitions }),
    });
    return { entries: entries.filter(({ position }) => position <= upTo), head };
  }

  /** Wave after wave. */
  async function publishPage(
    entries: readonly OutboxEntry[],
    heldBack: Set<string>,
    remove: (positions: readonly number[]) => Promise<void>,
    isOver: () => boolean,
  ): Promise<void> {
    let rest = entries;
    const held = shares.held();
    while (rest.length > 0 && !isOver()) {
      const { wave, later } = nextWave(rest, heldBack, held);
      await remove(await publishWave(wave, heldBack));
      rest = later;
    }
  }

  /** Publishes one message a key, and returns the positions of those that were confirmed. */
  async function publishWave(
    wave: readonly OutboxEntry[],
    heldBack: Set<string>,
  ): Promise<readonly number[]> {
    const outcomes = await publisher.publish(
      wave.map(({ kind, body }) => ({
        kind,
        message: JSON.parse(body) as CloudEvent,
        body: Buffer.from(body),
      })),
    );
    wave.forEach((entry, index) => {
      const error = outcomes[index];
      const key = keyOf(entry);
      if (error === undefined) return void failing.delete(key);
      const attempts = (failing.get(key)?.attempts ?? 0) + 1;
      failing.set(key, { attempts, notBeforeMs: clock.now() + delayAfter(attempts, RETRY, () => 0) });
      heldBack.add(key);
      logger.warn('not published yet', { id: entry.id, attempts, reason: error.message });
    });
    return wave.flatMap(({ position }, index) => (outcomes[index] === undefined ? [position] : []));
  }

  /** What is still under way then ends by itself; what it could not do stays in the outbox. */
  async function until(deadlineMs: number, work: Promise<void>): Promise<void> {
    const done = work.catch((error: unknown) => {
      logger.error('outbox relay failed', { reason: messageOf(error) });
    });
    await within(clock, deadlineMs - clock.now(), done, () => undefined).catch(() => undefined);
  }

  return {
    start() {
      loop ??= run();
    },
    async stop(budgetMs) {
      const deadlineMs = clock.now() + budgetMs;
      const first = !stopped;
      stopped = true;
      forgetSchedule();
      waiting.end();
      const finish = async (): Promise<void> => {
        await loop;
        if (first && loop !== undefined) await passOutbox(() => clock.now() >= deadlineMs);
      };
      await until(deadlineMs, finish());
      // Whatever became of that: what is held longer than need be is published later than need be.
      const left = shares.stop();
      try {
        return (await store.outbox({ after: 0, limit: MOST_COUNTED })).entries.length;
      } finally {
        await until(clock.now() + LEAVE_MS, left);
      }
    },
  };
}

/** The first message of each key, and those that have to wait for theirs; what a failing key holds back is in neither. */
function nextWave(
  entries: readonly OutboxEntry[],
  heldBack: ReadonlySet<string>,
  held: ReadonlyMap<string, number>,
) {
  const wave: OutboxEntry[] = [];
  const later: OutboxEntry[] = [];
  const inWave = new Set<string>();
  for (const entry of entries) {
    const key = keyOf(entry);
    if (heldBack.has(key) || !held.has(String(entry.partition))) continue;
    (inWave.has(key) ? later : wave).push(entry);
    inWave.add(key);
  }
  return { wave, later };
}

/** Messages without a key have no order among each other: each is its own key. */
function keyOf({ kind, id, key }: OutboxEntry): string {
  return key === undefined ? `id ${id}` : `${kind} ${key}`;
}
