import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { EventRow, Store } from '@waggle/messaging';
import { anEvent, append, events, placesOf, readToEnd, useServer, type Writer } from './harness.ts';

const bench = useServer();

const write = (writer: Writer, stream: string) =>
  writer.write({ streams: [{ stream, expected: 'any', events: events(1) }] });

/** Reads until it has so many, and fails if they do not come. */
async function follow(store: Store, count: number, page = 7): Promise<readonly EventRow[]> {
  const found: EventRow[] = [];
  const deadline = performance.now() + 20_000;
  for (let after = 0; found.length < count;) {
    expect(performance.now(), `${found.length} of ${count} events came`).toBeLessThan(deadline);
    const read = await store.readAll('testing', { after, limit: page });
    found.push(...read.events);
    after = read.position;
    if (read.events.length === 0) await pause(1);
  }
  return found;
}

function expectInOrder(read: readonly EventRow[]): void {
  const last = new Map<string, number>();
  for (const { stream, version } of read) {
    expect(version, `of ${stream}`).toBe((last.get(stream) ?? 0) + 1);
    last.set(stream, version);
  }
  expect(read.map(({ position }) => position)).toEqual(
    read.map(({ position }) => position).toSorted((one, other) => one - other),
  );
}

describe('reading all', () => {
  test('does not skip what the newest transaction of all has not committed yet', async () => {
    const namespace = bench.namespace();
    const store = await bench.open(namespace);
    await append(store, 'order-1');
    const early = await bench.writer(namespace);
    await early.write({ inbox: { consumer: 'testing.listen', messageId: 'm1' } });
    const newest = await bench.writer(namespace);
    await write(newest, 'late-1');
    await write(early, 'order-2');
    await early.end('commit');
    // Its id is the first above all that have ended, which is as far as a snapshot looks.
    const before = await store.readAll('testing', { after: 0, limit: 10 });
    expect(placesOf(before.events)).toEqual(['order-1@1']);
    expect(before.position).toBe(before.events[0]?.position);
    await newest.end('commit');
    expect(placesOf(await readToEnd(store, before.position))).toEqual(['late-1@1', 'order-2@1']);
  });

  test('waits for a late commit with what is behind it, for readers that are new and old ones', async () => {
    const namespace = bench.namespace();
    const store = await bench.open(namespace);
    await append(store, 'order-1');
    expect(await readToEnd(store)).toHaveLength(1);
    const writer = await bench.writer(namespace);
    await write(writer, 'late-1');
    await append(store, 'order-2');
    await append(store, 'order-3');
    const other = await bench.open(namespace);
    for (const reader of [store, other]) {
      expect(placesOf(await readToEnd(reader))).toEqual(['order-1@1']);
      expect(placesOf(await readToEnd(reader))).toEqual(['order-1@1']);
    }
    await writer.end('commit');
    for (const reader of [store, other])
      expect(placesOf(await readToEnd(reader))).toEqual(['order-1@1', 'late-1@1', 'order-2@1', 'order-3@1']);
  });

  test('is not stopped by the holes of writers that were rolled back', async () => {
    const namespace = bench.namespace();
    const store = await bench.open(namespace);
    for (let turn = 1; turn <= 5; turn++) {
      const writer = await bench.writer(namespace);
      await write(writer, 'never-1');
      await writer.end('rollback');
      await append(store, 'order-1');
    }
    const read = await readToEnd(store);
    expect(placesOf(read)).toEqual([1, 2, 3, 4, 5].map((version) => `order-1@${version}`));
    expect(read.at(-1)?.position).toBe(10);
  });

  test('is held up by a writer of another database at a hole only', async () => {
    const namespace = bench.namespace();
    const store = await bench.open(namespace);
    await append(store, 'order-1');
    const elsewhere = await bench.client({ database: 'postgres' });
    await elsewhere.query('begin');
    await elsewhere.query('select pg_current_xact_id()');
    await append(store, 'order-1', 2);
    expect(await readToEnd(store)).toHaveLength(3);
    const writer = await bench.writer(namespace);
    await write(writer, 'never-1');
    await writer.end('rollback');
    await append(store, 'order-1');
    expect(await readToEnd(store)).toHaveLength(3);
    await elsewhere.query('commit');
    expect(await readToEnd(store)).toHaveLength(4);
  });

  test('gives all there is in front of the first hole at once, while a writer of another database goes on', async () => {
    const namespace = bench.namespace();
    const store = await bench.open(namespace);
    const elsewhere = await bench.client({ database: 'postgres' });
    await elsewhere.query('begin');
    await elsewhere.query('select pg_current_xact_id()');
    for (let stream = 1; stream <= 3; stream++) await append(store, `order-${stream}`, 1_000);
    await append(store, 'rare-1');
    expect((await store.readAll('testing', { after: 0, limit: 5_000 })).events).toHaveLength(3_001);
    const fresh = await bench.open(namespace);
    const rare = await fresh.readAll('testing', { after: 0, category: 'rare', limit: 10 });
    expect(placesOf(rare.events)).toEqual(['rare-1@1']);
    await elsewhere.query('commit');
  });

  test('is not held up by whoever only reads, however long', async () => {
    const namespace = bench.namespace();
    const store = await bench.open(namespace);
    const dump = await bench.client();
    await dump.query('begin isolation level repeatable read');
    await dump.query('select count(*) from pg_class');
    const writer = await bench.writer(namespace);
    await write(writer, 'never-1');
    await writer.end('rollback');
    await append(store, 'order-1');
    expect(await readToEnd(store)).toHaveLength(1);
    await dump.query('commit');
  });

  test('keeps the order of a stream when a transaction wrote to the inbox long before', async () => {
    const namespace = bench.namespace();
    const store = await bench.open(namespace);
    const early = await bench.writer(namespace);
    await early.write({ inbox: { consumer: 'testing.listen', messageId: 'm1' } });
    await append(store, 'order-1', 2);
    expect(placesOf(await readToEnd(store))).toEqual(['order-1@1', 'order-1@2']);
    await early.write({ streams: [{ stream: 'order-1', expected: 2, events: events(1) }] });
    await append(store, 'order-2');
    await early.end('commit');
    expect(placesOf(await readToEnd(store))).toEqual(['order-1@1', 'order-1@2', 'order-1@3', 'order-2@1']);
  });

  test('gives a position that was given by a reader of another store the same meaning', async () => {
    const namespace = bench.namespace();
    const [store, other] = [await bench.open(namespace), await bench.open(namespace)];
    await append(store, 'order-1', 3);
    const { position } = await store.readAll('testing', { after: 0, limit: 10 });
    const writer = await bench.writer(namespace);
    await write(writer, 'late-1');
    await append(store, 'order-1');
    expect(await other.readAll('testing', { after: position, limit: 10 })).toEqual({ events: [], position });
    await writer.end('commit');
    expect(placesOf(await readToEnd(other, position))).toEqual(['late-1@1', 'order-1@4']);
  });

  test('answers a position past the end with itself, and lets nobody else skip anything for it', async () => {
    const namespace = bench.namespace();
    const store = await bench.open(namespace);
    const far = 9_000_000_000;
    await append(store, 'order-1');
    expect(await store.readAll('testing', { after: far, limit: 10 })).toEqual({ events: [], position: far });
    const writer = await bench.writer(namespace);
    await write(writer, 'late-1');
    await append(store, 'order-2');
    expect(await readToEnd(store)).toHaveLength(1);
    await writer.end('commit');
    expect(await readToEnd(store)).toHaveLength(3);
  });

  test('gives each of several readers each event once and in order while many write, slowly and in vain too', async () => {
    const namespace = bench.namespace();
    const stores = [await bench.open(namespace), await bench.open(namespace)] as const;
    const readers = Array.from({ length: 4 }, (_, reader) =>
      follow(stores[reader % 2 ? 1 : 0], 300, 5 + reader),
    );
    const quick = Array.from({ length: 6 }, async (_, writer) => {
      for (let turn = 0; turn < 40; turn++)
        await append(stores[writer % 2 ? 1 : 0], `order-${(writer + turn) % 7}`);
    });
    const slow = Array.from({ length: 3 }, async (_, number) => {
      for (let turn = 0; turn < 30; turn++) {
        const writer = await bench.writer(namespace);
        await writer.write({ inbox: { consumer: `slow-${number}`, messageId: String(turn) } });
        await pause(Math.random() * 5);
        await write(writer, `slow-${(number + turn) % 4}`);
        await pause(Math.random() * 20);
        await writer.end(turn % 3 === 0 ? 'rollback' : 'commit');
      }
    });
    await Promise.all([...quick, ...slow]);
    for (const read of await Promise.all(readers)) {
      expectInOrder(read);
      expect(new Set(read.map(({ id }) => id)).size).toBe(300);
    }
    expect(await readToEnd(stores[0])).toHaveLength(300);
  });

  test('finds the few events of a category behind many thousand others', async () => {
    const store = await bench.open(bench.namespace());
    for (let batch = 0; batch < 25; batch++)
      await store.commit(batch % 2 ? 'testing' : 'elsewhere', {
        timeMs: 1,
        streams: [{ stream: `many-${batch}`, expected: 0, events: events(1_000) }],
      });
    await append(store, 'rare-1');
    const rare = await store.readAll('testing', { after: 0, category: 'rare', limit: 10 });
    expect(placesOf(rare.events)).toEqual(['rare-1@1']);
    expect(await store.readAll('testing', { after: 0, category: 'no', limit: 10 })).toEqual({
      events: [],
      position: rare.position,
    });
    const fresh = await bench.open(bench.namespace());
    expect(await fresh.readAll('testing', { after: 0, limit: 1 })).toEqual({ events: [], position: 0 });
  });
});

test('a stream is read from its end without going through what is before', async () => {
  const store = await bench.open(bench.namespace());
  await append(store, 'order-1', 300);
  const range = { backwards: true, limit: 2 };
  expect((await store.readStream('testing', 'order-1', range)).map(({ version }) => version)).toEqual([
    300, 299,
  ]);
  const far = { from: Number.MAX_VALUE, to: Number.MAX_VALUE };
  expect(await store.readStream('testing', 'order-1', far)).toEqual([]);
  expect(anEvent().id).not.toBe(anEvent().id);
});
