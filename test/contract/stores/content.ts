import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { CloudEvent, EventToAppend, StreamEvent, Upcasters } from '@waggle/kernel';
import { MessagingError } from '@waggle/kernel';
import type { Added } from '@waggle/messaging';
import { all } from '../suite/collector.ts';
import { EDGE_STRINGS } from '../suite/edge-strings.ts';
import { rejection } from '../suite/expectations.ts';
import { aNewEvent, numbered } from './bench.ts';
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
  storeCase(
    'M9',
    'events and documents come back as they were given, whatever JSON can say',
    async (bench) => {
      const nowMs = Date.UTC(2026, 11, 31, 23, 59, 59, 987);
      const { events, unitOfWork } = await bench.openService('testing', { clock: bench.virtualClock(nowMs) });
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
        assert.equal(time, '2026-12-31T23:59:59.987Z');
        assert.deepEqual([typeof id, typeof position, schemaVersion], ['string', 'string', 1]);
      }
      await unitOfWork.run(async (tx) => {
        const things = tx.collection('things');
        for (const [index, value] of values.entries()) things.put(String(index), value);
      });
      await unitOfWork.run(async (tx) => {
        for (const [index, value] of values.entries())
          assert.deepEqual(await tx.collection('things').get(String(index)), value);
      });
    },
  ),
  storeCase('M9', 'an event and a document of 1 MB survive', async (bench) => {
    const { events, unitOfWork } = await bench.openService();
    const large = { text: '🐝"\\'.repeat(130_000) };
    await events.append('order-1', [{ type: 'large', data: large }], 0);
    const [event] = await events.read('order-1');
    assert.deepEqual(event?.data, large);
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
  storeCase('M9', 'odd ids, types and keys are carried exactly or refused, never changed', async (bench) => {
    const { store, events, unitOfWork } = await bench.openService();
    for (const [n, odd] of EDGE_STRINGS.entries()) {
      const id = `${bench.namespace} ${odd}`;
      const writing = unitOfWork.run(async (tx) => {
        tx.collection(odd).put(odd, n);
        tx.publish(aNewEvent(n, odd));
        tx.stream(`odd-${n}`).append([{ id, type: `type ${odd}`, data: n }], 'no-stream');
      });
      const error = await writing.then(
        () => undefined,
        (reason: unknown) => reason,
      );
      if (error instanceof MessagingError && error.code === 'invalid') continue;
      assert.equal(error, undefined);
      assert.equal(await unitOfWork.run((tx) => tx.collection(odd).get(odd)), n);
      const { entries } = await store.outbox({ after: 0, limit: 100 });
      const last = entries.at(-1);
      const { data, partitionkey } = JSON.parse(last?.body ?? '') as CloudEvent;
      assert.deepEqual([last?.key, partitionkey, data], [odd, odd, n]);
      const [event] = await events.read(`odd-${n}`);
      assert.deepEqual([event?.id, event?.type], [id, `type ${odd}`]);
    }
  }),
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
      assert.deepEqual(await events.append('order-1', numbered(1), 2), { version: 3 });
    },
  ),
  storeCase(
    'M22',
    'whoever follows is woken by what another process commits, and need not look by himself',
    async (bench) => {
      const clock = bench.virtualClock(); // it stands still, so nobody looks because time has passed
      const reader = await bench.openService('testing', { clock });
      const writer = await bench.openService();
      const following = bench.follow(reader.events);
      for (let n = 1; n <= 5; n++) {
        await writer.events.append('order-1', [{ type: 'counted', data: n }], 'any');
        await following.until(n);
      }
      await following.end();
      assert.deepEqual(
        following.seen.map(({ data }) => data),
        [1, 2, 3, 4, 5],
      );
    },
  ),
  storeCase(
    'M22',
    'a store tells what its own commits and those of others added, to whoever still listens',
    async (bench) => {
      const listening = await bench.openService();
      const other = await bench.openService();
      const heard = new Set<Added>();
      const afterTheEnd: Added[] = [];
      listening.store.onCommit((added) => heard.add(added));
      listening.store.onCommit((added) => afterTheEnd.push(added))();
      for (const { store, events, unitOfWork } of [listening, other]) {
        const steps: readonly (readonly [Added, () => Promise<unknown>])[] = [
          ['events', () => events.append('order-1', numbered(1), 'any')],
          ['outbox', () => unitOfWork.run(async (tx) => tx.publish(aNewEvent(1)))],
          [
            'schedule',
            () => unitOfWork.run(async (tx) => tx.deliverAt(randomUUID(), Date.now() + 1_000, aNewEvent(2))),
          ],
          ['outbox', () => store.releaseDue(Date.now() + 60_000, 10)],
        ];
        for (const [added, step] of steps) {
          heard.clear();
          await step();
          await bench.until(() => heard.has(added), `word of "${added}"`);
        }
      }
      assert.deepEqual(afterTheEnd, []);
    },
  ),
];
