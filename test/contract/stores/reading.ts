import assert from 'node:assert/strict';
import type { EventBatch, EventStore, ReadAllOptions, StoredEvent, StreamRange } from '@waggle/kernel';
import { all } from '../suite/collector.ts';
import { rejection } from '../suite/expectations.ts';
import type { StoreBench } from './bench.ts';
import { numbered } from './bench.ts';
import { storeCase } from './case.ts';

const eventsOf = (batches: readonly EventBatch[]): readonly StoredEvent[] =>
  batches.flatMap(({ events }) => events);

async function readAll(events: EventStore, options?: ReadAllOptions): Promise<readonly StoredEvent[]> {
  return eventsOf(await all(events.readAll(options)));
}

/** Every stream has its versions one after the other, and no event comes twice. */
function assertInOrder(read: readonly StoredEvent[]): void {
  const last = new Map<string, number>();
  for (const { stream, version } of read) {
    assert.equal(version, (last.get(stream) ?? 0) + 1, `version after ${last.get(stream) ?? 0} of ${stream}`);
    last.set(stream, version);
  }
}

const RANGES: readonly (readonly [StreamRange, readonly number[]])[] = [
  [{}, [1, 2, 3, 4, 5]],
  [{ from: 3 }, [3, 4, 5]],
  [{ to: 2 }, [1, 2]],
  [{ from: 2, to: 4 }, [2, 3, 4]],
  [{ limit: 2 }, [1, 2]],
  [{ from: 4, limit: 1 }, [4]],
  [{ backwards: true }, [5, 4, 3, 2, 1]],
  [{ backwards: true, from: 3 }, [3, 2, 1]],
  [{ backwards: true, from: 4, to: 2 }, [4, 3, 2]],
  [{ backwards: true, limit: 2 }, [5, 4]],
  [{ from: 6 }, []],
  [{ from: 1_000_000 }, []],
  [{ backwards: true, from: 1_000_000, limit: 1 }, [5]],
  [{ from: 4, to: 2 }, []],
];

export const readingCases = [
  storeCase(
    'M10',
    'a stream is read in each direction, from, to, with a limit, and past its head',
    async (bench) => {
      const { events, unitOfWork } = await bench.openService();
      await events.append('order-1', numbered(5), 0);
      for (const [range, expected] of RANGES) {
        const versions = (await events.read('order-1', range)).map(({ version }) => version);
        assert.deepEqual(versions, expected, JSON.stringify(range));
        const inWork = await unitOfWork.run((tx) => tx.stream('order-1').read(range));
        assert.deepEqual(
          inWork.map(({ version }) => version),
          expected,
        );
      }
      assert.deepEqual(await events.read('order-2'), []);
      assert.deepEqual(await events.read('order-2', { backwards: true, from: 7 }), []);
    },
  ),
  storeCase('M10', 'a transaction sees what it appended, as part of the stream', async (bench) => {
    const { events, unitOfWork } = await bench.openService();
    await events.append('order-1', numbered(3), 0);
    await unitOfWork.run(async (tx) => {
      const stream = tx.stream('order-1');
      stream.append(numbered(2, 4), 3);
      for (const [range, expected] of RANGES) {
        const read = await stream.read(range);
        assert.deepEqual(
          read.map(({ version, data }) => [version, data]),
          expected.map((n) => [n, { n }]),
        );
      }
    });
    assert.equal((await events.read('order-1')).length, 5);
  }),
  storeCase('M10', 'what makes no sense is refused: names, numbers, positions', async (bench) => {
    const { events, unitOfWork } = await bench.openService();
    for (const name of [
      '',
      'order',
      '-1',
      'Order-1',
      'order-',
      'order-a b',
      'order-\u0000',
      `order-${'x'.repeat(300)}`,
    ]) {
      await rejection(events.read(name), 'invalid');
      await rejection(events.append(name, numbered(1), 'any'), 'invalid');
      await rejection(
        unitOfWork.run(async (tx) => tx.stream(name)),
        'invalid',
      );
    }
    for (const range of [{ limit: 0 }, { from: 0 }, { to: -1 }, { limit: 1.5 }, { from: Number.NaN }])
      await rejection(events.read('order-1', range), 'invalid');
    const options: readonly ReadAllOptions[] = [
      { after: 'nonsense' as StoredEvent['position'] },
      { category: 'order-' },
      { batchSize: 0 },
      { partition: { index: 2, of: 2 } },
    ];
    for (const each of options) await rejection((async () => readAll(events, each))(), 'invalid');
  }),
  storeCase(
    'M11',
    'a service sees its own streams and documents, and a category only those of its name',
    async (bench) => {
      const store = await bench.open();
      const { events, unitOfWork } = bench.service(store);
      const other = bench.service(store, 'elsewhere');
      for (const stream of ['order-1', 'orders-1', 'invoice-1', 'order-2'])
        await events.append(stream, numbered(2), 0);
      await other.events.append('order-1', numbered(3), 'no-stream');
      await other.unitOfWork.run(async (tx) => tx.collection('things').put('a', 'theirs'));
      await unitOfWork.run(async (tx) => tx.collection('things').put('a', 'ours'));
      const streamsOf = async (options?: ReadAllOptions) => [
        ...new Set((await readAll(events, options)).map(({ stream }) => stream)),
      ];
      assert.deepEqual(await streamsOf({ category: 'order' }), ['order-1', 'order-2']);
      assert.deepEqual(await streamsOf({ category: 'nothing' }), []);
      assert.equal((await readAll(events)).length, 8);
      assert.equal((await readAll(other.events)).length, 3);
      assert.equal(await unitOfWork.run((tx) => tx.collection('things').get('a')), 'ours');
      assert.equal((await events.read('order-1')).length, 2);
    },
  ),
  storeCase(
    'M12',
    'read page by page while many write, each event comes once and every stream in order',
    async (bench) => {
      const writers = [await bench.openService(), await bench.openService()];
      const reader = await bench.openService();
      const following = bench.follow(reader.events, { batchSize: 7 });
      const writing = Array.from({ length: 8 }, async (_, writer) => {
        for (let turn = 0; turn < 25; turn++)
          await writers[writer % 2]?.events.append(`order-${writer % 5}`, numbered(1 + (turn % 3)), 'any');
      });
      await Promise.all(writing);
      const total = (await readAll(reader.events)).length;
      await following.until(total);
      await following.end();
      assert.equal(following.seen.length, total);
      assertInOrder(following.seen);
      assertInOrder(await readAll(reader.events, { batchSize: 3 }));
    },
  ),
  storeCase('M12', 'reading behind any position goes on exactly there, also in a category', async (bench) => {
    const { events } = await bench.openService();
    for (let turn = 1; turn <= 12; turn++)
      await events.append(`${turn % 2 ? 'order' : 'invoice'}-${turn}`, numbered(2), 0);
    for (const category of [undefined, 'invoice']) {
      const options = category === undefined ? {} : { category };
      const whole = await readAll(events, options);
      for (const [index, { position }] of whole.entries()) {
        const rest = await readAll(events, { ...options, after: position, batchSize: 5 });
        assert.deepEqual(rest, whole.slice(index + 1));
      }
      for (const batch of await all(events.readAll({ ...options, batchSize: 4 }))) {
        const last = batch.events.at(-1);
        const rest = await readAll(events, { ...options, after: batch.position });
        assert.deepEqual(rest, whole.slice(whole.findIndex(({ id }) => id === last?.id) + 1));
      }
    }
  }),
  storeCase(
    'M13',
    'what a slow transaction commits late is not lost to a reader who was there before, nor does one that is rolled back stop him',
    async (bench) => {
      const { store, events } = await bench.openService();
      if (bench.oneWriter !== undefined) return assertOneAfterTheOther(bench, events);
      const seen: string[] = [];
      let after = 0;
      const readOn = async (): Promise<number> => {
        const page = await store.readAll('testing', { after, limit: 100 });
        seen.push(...page.events.map(({ stream }) => stream));
        after = page.position;
        return seen.length;
      };
      const following = bench.follow(events);
      await events.append('order-1', numbered(1), 0);
      await following.until(1);
      await bench.until(async () => (await readOn()) === 1, 'what was committed before them');
      const slow = await bench.openWriter();
      const failing = await bench.openWriter();
      const write = (id: string) => ({
        timeMs: Date.now(),
        streams: [
          {
            stream: `slow-${id}`,
            expected: 'no-stream' as const,
            events: [
              { id: `${bench.namespace}-${id}`, type: 't', schemaVersion: 1, data: '1', metadata: '{}' },
            ],
          },
        ],
      });
      await failing.write('testing', write('rolled-back'));
      await slow.write('testing', write('late'));
      await events.append('order-2', numbered(1), 0);
      await readOn();
      await events.append('order-3', numbered(1), 0);
      await failing.rollback();
      await readOn();
      await slow.commit();
      await bench.until(async () => (await readOn()) >= 4, 'all four events');
      await following.until(4);
      await following.end();
      for (const streams of [seen, following.seen.map(({ stream }) => stream)])
        assert.deepEqual(streams.toSorted(), ['order-1', 'order-2', 'order-3', 'slow-late']);
    },
  ),
  storeCase(
    'M14',
    'a stream is read in order when a transaction wrote something else before it took its place',
    async (bench) => {
      const { events } = await bench.openService();
      if (bench.oneWriter !== undefined) return assertOneAfterTheOther(bench, events);
      const early = await bench.openWriter();
      const timeMs = Date.now();
      // Begun first, with a write of its own, and in the stream last.
      await early.write('testing', { timeMs, inbox: { consumer: 'testing.listen', messageId: 'm1' } });
      const following = bench.follow(events);
      await events.append('order-1', numbered(2), 0);
      const event = {
        id: `${bench.namespace}-3`,
        type: 'counted',
        schemaVersion: 1,
        data: '3',
        metadata: '{}',
      };
      await early.write('testing', {
        timeMs,
        streams: [{ stream: 'order-1', expected: 2, events: [event] }],
      });
      await early.commit();
      await following.until(3);
      await following.end();
      assertInOrder(following.seen);
      assertInOrder(await readAll(events));
    },
  ),
  storeCase(
    'M15',
    'partitions are disjoint, together they are everything, and no stream is in two',
    async (bench) => {
      const { events } = await bench.openService();
      for (let stream = 0; stream < 30; stream++) await events.append(`order-${stream}`, numbered(2), 0);
      const parts = await Promise.all(
        [0, 1, 2].map((index) => readAll(events, { partition: { index, of: 3 }, batchSize: 7 })),
      );
      const streams = parts.map((part) => new Set(part.map(({ stream }) => stream)));
      assert.equal(
        streams.reduce((sum, { size }) => sum + size, 0),
        30,
      );
      assert.equal(new Set(streams.flatMap((names) => [...names])).size, 30);
      assert.equal(parts.flat().length, 60);
      for (const part of parts) assertInOrder(part);
    },
  ),
  storeCase(
    'M16',
    'what is truncated is gone everywhere, the version stays, and the newest event as well',
    async (bench) => {
      const { events } = await bench.openService();
      await events.append('order-1', numbered(5), 0);
      await events.append('order-2', numbered(1), 0);
      await events.truncate('order-1', 4);
      const versions = async () => (await events.read('order-1')).map(({ version }) => version);
      assert.deepEqual(await versions(), [4, 5]);
      assert.deepEqual(
        (await readAll(events)).map(({ stream, version }) => `${stream}@${version}`),
        ['order-1@4', 'order-1@5', 'order-2@1'],
      );
      assert.deepEqual(await events.append('order-1', numbered(1), 5), { version: 6 });
      await events.truncate('order-1', 100);
      assert.deepEqual(await versions(), [6]);
      await events.truncate('order-1', 2);
      assert.deepEqual(await versions(), [6]);
      await rejection(events.append('order-1', numbered(1), 'no-stream'), 'conflict');
      assert.deepEqual(await events.append('order-1', numbered(1), 6), { version: 7 });
      await rejection(events.truncate('order-1', 0), 'invalid');
    },
  ),
];

/** Where there is one transaction at a time, what is visible is all that ever will be before what comes next. */
async function assertOneAfterTheOther(bench: StoreBench, events: EventStore): Promise<void> {
  const following = bench.follow(events, { batchSize: 3 });
  await Promise.all(
    Array.from({ length: 50 }, (_, turn) => events.append(`late-${turn % 7}`, numbered(1), 'any')),
  );
  const expected = (await readAll(events)).map(({ id }) => id);
  await following.until(expected.length);
  await following.end();
  assert.deepEqual(
    following.seen.map(({ id }) => id),
    expected,
  );
}
