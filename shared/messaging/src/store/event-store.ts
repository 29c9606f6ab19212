import type { EventBatch, EventStore, ReadAllOptions, StreamAppend } from '@waggle/kernel';
import { MessagingError, numberOf, positionOf, VersionConflict } from '@waggle/kernel';
import { fnv1a } from '../lanes.ts';
import type { StreamWrite } from './store.ts';
import { checkCategory, checkNumber, checkRange, checkStream, toStoredEvent, toWrite } from './streams.ts';
import type { TransactionOptions } from './transaction.ts';
import { createWaiting } from './waiting.ts';

export interface EventStoreOptions extends Omit<TransactionOptions, 'publisher'> {
  /** How often somebody who follows looks without having been woken. @default 1_000 */
  readonly pollMs?: number;
}

/** The event store of one service, over any store. */
export function createEventStore(options: EventStoreOptions): EventStore {
  const { store, service, clock, ids, upcasters, pollMs = 1_000 } = options;

  async function write(streams: readonly StreamWrite[]): Promise<readonly number[]> {
    const committed = await store.commit(service, { timeMs: clock.now(), streams });
    if (committed.outcome === 'committed') return committed.versions;
    const lost = committed.outcome === 'conflict' ? committed.stream : undefined;
    const refused = lost && streams[lost.index];
    if (lost === undefined || refused === undefined)
      throw new MessagingError('conflict', 'the store refused an append and did not say why');
    throw new VersionConflict(refused.stream, refused.expected, lost.actual);
  }

  function prepare({ stream, events, expected }: StreamAppend): StreamWrite {
    checkStream(stream);
    return { stream, expected, events: events.map((event) => toWrite(stream, event, ids, upcasters)) };
  }

  async function appendAll(appends: readonly StreamAppend[]) {
    return (await write(appends.map(prepare))).map((version) => ({ version }));
  }

  async function* readAll({
    after,
    category,
    partition,
    batchSize = 500,
    follow = false,
    signal,
  }: ReadAllOptions): AsyncGenerator<EventBatch> {
    const waiting = follow ? createWaiting(store, 'events', clock, pollMs) : undefined;
    try {
      let position = after === undefined ? 0 : numberOf(after);
      while (signal?.aborted !== true) {
        waiting?.arm();
        const page = await store.readAll(service, { after: position, category, limit: batchSize });
        const isHead = page.events.length < batchSize;
        const mine =
          partition === undefined
            ? page.events
            : page.events.filter(({ stream }) => fnv1a(stream) % partition.of === partition.index);
        position = page.position;
        const events = mine.map((row) => toStoredEvent(row, upcasters));
        if (events.length > 0) yield { events, position: positionOf(position) };
        if (page.events.length > 0) waiting?.found();
        if (!isHead) continue;
        if (waiting === undefined) return;
        await waiting.rest(signal);
      }
    } finally {
      waiting?.end();
    }
  }

  return {
    async append(stream, events, expected) {
      const [version] = await write([prepare({ stream, events, expected })]);
      return { version: version ?? 0 };
    },
    appendAll,
    async read(stream, range = {}) {
      checkStream(stream);
      checkRange(range);
      return (await store.readStream(service, stream, range)).map((row) => toStoredEvent(row, upcasters));
    },
    readAll(readOptions = {}) {
      const { category, batchSize, partition } = readOptions;
      if (category !== undefined) checkCategory(category);
      checkNumber('batchSize', batchSize);
      if (partition !== undefined) {
        const { index, of } = partition;
        if (!Number.isInteger(index) || !(index >= 0 && index < of))
          throw new MessagingError('invalid', `partition ${index} of ${of}: count from 0 to below ${of}`);
      }
      return readAll(readOptions);
    },
    async truncate(stream, before) {
      checkStream(stream);
      checkNumber('before', before);
      await write([{ stream, expected: 'any', events: [], truncateBefore: before }]);
    },
  };
}
