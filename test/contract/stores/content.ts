import assert from 'node:assert/strict';
import type { EventToAppend, StreamEvent, Upcasters } from '@waggle/kernel';
import { all } from '../suite/collector.ts';
import { EDGE_STRINGS } from '../suite/edge-strings.ts';
import { rejection } from '../suite/expectations.ts';
import { numbered } from './bench.ts';
import { storeCase } from './case.ts';

/** Data that has been `{ n }` (1), `{ number }` (2) and is `{ amount }` now (3). */
const upcasters: Upcasters = {
  newest: (type) => (type === 'counted' ? 3 : 1),
  upcast<Event extends StreamEvent>(event: Event): Event {
    const { n, number = n, amount = number } = event.data as Record<string, unknown>;
    return { ...event, data: { amount }, schemaVersion: 3 };
  },
};

export const contentCases = [
  storeCase('M9', 'data and metadata come back as they were given, whatever JSON can say', async (bench) => {
    const { events } = await bench.openService();
    const values: readonly unknown[] = [
      null,
      false,
      0,
      -0.5,
      1e-7,
      Number.MAX_SAFE_INTEGER,
      Number.MIN_SAFE_INTEGER,
      Number.MAX_VALUE,
      '9007199254740993123',
      '',
      [],
      {},
      { nested: { deep: [{ er: ['x'] }] }, 'key with "quotes" and ': 1 },
      '\u0000 and \ud800 alone, \u2028, 漢字, 🐝',
      ...EDGE_STRINGS,
    ];
    const given = values.map((data): EventToAppend => ({ type: 'edge', data, metadata: { data } }));
    await events.append('order-1', given, 0);
    const stored = await events.read('order-1');
    stored.forEach(({ data, metadata }, index) => {
      assert.deepEqual(data, values[index]);
      assert.deepEqual(metadata, { data: values[index] });
    });
    assert.equal(stored.length, values.length);
    for (const { time, id, position, schemaVersion } of stored) {
      assert.ok(Math.abs(Date.parse(time) - Date.now()) < 60_000, time);
      assert.deepEqual([typeof id, typeof position, schemaVersion], ['string', 'string', 1]);
    }
  }),
  storeCase('M9', 'an event and a document of 1 MB survive', async (bench) => {
    const { events, unitOfWork } = await bench.openService();
    const large = { text: '🐝"\\'.repeat(180_000) };
    await events.append('order-1', [{ type: 'large', data: large, metadata: large }], 0);
    const [event] = await events.read('order-1');
    assert.deepEqual([event?.data, event?.metadata], [large, large]);
    await unitOfWork.run(async (tx) => tx.collection('things').put('large', large));
    assert.deepEqual(await unitOfWork.run((tx) => tx.collection('things').get('large')), large);
  }),
  storeCase(
    'M9',
    'names of streams, documents and collections are kept apart, whatever is in them',
    async (bench) => {
      const { events, unitOfWork } = await bench.openService();
      const names = [
        "order-1';drop-table-events;--",
        'order-%',
        'order-_',
        'order-\u00e9',
        'order-e\u0301',
        'order-1"x',
      ];
      for (const name of names) await events.append(name, [{ type: 'named', data: name }], 'no-stream');
      for (const name of names) assert.equal((await events.read(name))[0]?.data, name);
      await unitOfWork.run(async (tx) => {
        for (const name of names) tx.collection(name).put(name, name);
      });
      for (const name of names) {
        assert.deepEqual(await unitOfWork.run((tx) => tx.collection(name).list()), [name]);
        assert.equal(await unitOfWork.run((tx) => tx.collection(name).get(name)), name);
      }
    },
  ),
  storeCase(
    'M9',
    'what JSON cannot say is refused, with its name, before anything is stored',
    async (bench) => {
      const { events, unitOfWork } = await bench.openService();
      const circle: Record<string, unknown> = {};
      circle['self'] = circle;
      for (const data of [9_007_199_254_740_993n, circle]) {
        const { message } = await rejection(
          events.append('order-1', [...numbered(1), { type: 'odd', data }], 0),
          'invalid',
        );
        assert.match(message, /odd/);
      }
      for (const value of [undefined, () => 1, 1n])
        await rejection(
          unitOfWork.run(async (tx) => tx.collection('things').put('odd', value)),
          'invalid',
        );
      assert.deepEqual(await all(events.readAll()), []);
    },
  ),
  storeCase(
    'M18',
    'older shapes are brought up wherever events are read, and new ones are written as the newest',
    async (bench) => {
      const old = await bench.openService();
      const { events, unitOfWork } = await bench.openService('testing', { upcasters });
      await old.events.append('order-1', numbered(1, 1), 0);
      await old.events.append('order-1', [{ type: 'counted', data: { number: 2 }, schemaVersion: 2 }], 1);
      await events.append('order-1', [{ type: 'counted', data: { amount: 3 } }], 2);
      const expected = [{ amount: 1 }, { amount: 2 }, { amount: 3 }];
      const dataOf = (read: readonly StreamEvent[]) => read.map(({ data }) => data);
      assert.deepEqual(dataOf(await events.read('order-1')), expected);
      assert.deepEqual(dataOf(await events.read('order-1', { backwards: true })), expected.toReversed());
      assert.deepEqual(dataOf((await all(events.readAll())).flatMap((batch) => batch.events)), expected);
      assert.deepEqual(
        await unitOfWork.run(async (tx) => dataOf(await tx.stream('order-1').read())),
        expected,
      );
      const [, , newest] = await old.events.read('order-1');
      assert.equal(newest?.schemaVersion, 3);
      assert.ok(!(await events.read('order-1')).some(({ schemaVersion }) => schemaVersion !== 3));
    },
  ),
  storeCase(
    'M21',
    'a store that is not open or is closed says so, closing twice is one closing, and it opens again',
    async (bench) => {
      const store = bench.closed();
      const { events, unitOfWork } = bench.service(store);
      const attempts: readonly (() => Promise<unknown>)[] = [
        () => events.append('order-1', numbered(1), 'any'),
        () => events.read('order-1'),
        () => all(events.readAll()),
        () => unitOfWork.run((tx) => tx.collection('things').get('a')),
        () => store.handled('testing.listen', 'm1'),
        () => store.outbox({ after: 0, limit: 1 }),
        () => store.check(),
      ];
      for (const attempt of attempts) await rejection(attempt(), 'closed');
      await store.open();
      await store.check();
      await events.append('order-1', numbered(2), 0);
      await Promise.all([store.close(), store.close()]);
      await store.close();
      for (const attempt of attempts) await rejection(attempt(), 'closed');
      await store.open();
      assert.equal((await events.read('order-1')).length, 2);
      assert.ok(
        !(await rejection(events.append('order-1', numbered(1), 0), 'conflict')).message.includes('closed'),
      );
    },
  ),
  storeCase(
    'M22',
    'whoever follows is woken by what another process commits, and is not when he has ended',
    async (bench) => {
      const reader = await bench.openService();
      const writer = await bench.openService();
      const stop = new AbortController();
      const seen: unknown[] = [];
      const following = (async () => {
        for await (const { events } of reader.events.readAll({ follow: true, signal: stop.signal }))
          seen.push(...events.map(({ data }) => data));
      })();
      for (let n = 1; n <= 5; n++) {
        await writer.events.append('order-1', [{ type: 'counted', data: n }], 'any');
        await bench.until(() => seen.length === n, `event ${n} at the reader`);
      }
      stop.abort();
      await bench.within(following, 'the end of a reading that was aborted');
      assert.deepEqual(seen, [1, 2, 3, 4, 5]);
    },
  ),
];
