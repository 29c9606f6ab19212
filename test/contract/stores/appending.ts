import assert from 'node:assert/strict';
import type { EventStore, EventToAppend, ExpectedVersion } from '@waggle/kernel';
import { VersionConflict } from '@waggle/kernel';
import { all } from '../suite/collector.ts';
import { rejection } from '../suite/expectations.ts';
import { numbered } from './bench.ts';
import { storeCase } from './case.ts';

const RACERS = 8;

async function conflictOf(promise: Promise<unknown>): Promise<VersionConflict> {
  const error = await rejection(promise, 'conflict');
  assert.ok(error instanceof VersionConflict, `expected a VersionConflict, got ${error.message}`);
  return error;
}

/** How many of parallel appends won; the others must have lost in the proper way. */
async function race(
  stores: readonly EventStore[],
  stream: string,
  expected: ExpectedVersion,
): Promise<number> {
  const outcomes = await Promise.allSettled(
    stores.map((events, racer) => events.append(stream, [{ type: 'raced', data: { racer } }], expected)),
  );
  const lost = outcomes.flatMap((outcome) =>
    outcome.status === 'rejected' ? [outcome.reason as unknown] : [],
  );
  for (const reason of lost) assert.ok(reason instanceof VersionConflict, String(reason));
  return outcomes.length - lost.length;
}

const dataOf = (events: readonly { readonly data: unknown }[]): readonly unknown[] =>
  events.map(({ data }) => data);

export const appendingCases = [
  storeCase(
    'M1',
    'an append with the version that the stream has succeeds, with another it fails',
    async (bench) => {
      const { events } = await bench.openService();
      assert.deepEqual(await events.append('order-1', numbered(2), 0), { version: 2 });
      assert.deepEqual(await events.append('order-1', numbered(1, 3), 2), { version: 3 });
      for (const wrong of [0, 1, 2, 4, 1_000_000])
        await conflictOf(events.append('order-1', numbered(1), wrong));
      await conflictOf(events.append('order-2', numbered(1), 1));
      assert.deepEqual(
        (await events.read('order-1')).map(({ version }) => version),
        [1, 2, 3],
      );
      assert.deepEqual(await events.read('order-2'), []);
    },
  ),
  storeCase('M1', 'an append of nothing checks the expectation alone', async (bench) => {
    const { events } = await bench.openService();
    await events.append('order-1', numbered(2), 0);
    assert.deepEqual(await events.append('order-1', [], 2), { version: 2 });
    await conflictOf(events.append('order-1', [], 1));
    assert.deepEqual(await events.append('order-2', [], 'no-stream'), { version: 0 });
    await conflictOf(events.append('order-2', [], 'stream-exists'));
    assert.equal((await events.read('order-1')).length, 2);
  }),
  storeCase('M2', 'each expectation lets through what it names, and nothing else', async (bench) => {
    const { events } = await bench.openService();
    await conflictOf(events.append('order-1', numbered(1), 'stream-exists'));
    assert.deepEqual(await events.append('order-1', numbered(1), 'no-stream'), { version: 1 });
    await conflictOf(events.append('order-1', numbered(1), 'no-stream'));
    assert.deepEqual(await events.append('order-1', numbered(1), 'stream-exists'), { version: 2 });
    assert.deepEqual(await events.append('order-1', numbered(1), 'any'), { version: 3 });
    assert.deepEqual(await events.append('order-2', numbered(1), 'any'), { version: 1 });
  }),
  storeCase('M3', 'a conflict says which stream, what was expected and what is', async (bench) => {
    const { events, unitOfWork } = await bench.openService();
    await events.append('order-1', numbered(3), 'any');
    const { stream, expected, actual, retryable } = await conflictOf(
      events.append('order-1', numbered(1), 1),
    );
    assert.deepEqual([stream, expected, actual, retryable], ['order-1', 1, 3, true]);
    const missing = await conflictOf(events.append('order-9', numbered(1), 'stream-exists'));
    assert.deepEqual([missing.expected, missing.actual], ['stream-exists', 0]);
    const second = { stream: 'order-1', events: numbered(1), expected: 'no-stream' as const };
    const first = { stream: 'order-2', events: numbered(1), expected: 0 };
    assert.equal((await conflictOf(events.appendAll([first, second]))).stream, 'order-1');
    const inWork = unitOfWork.run(async (tx) => tx.stream('order-1').append(numbered(1), 'no-stream'));
    assert.deepEqual(
      [(await conflictOf(inWork)).stream, (await events.read('order-2')).length],
      ['order-1', 0],
    );
  }),
  storeCase(
    'M4',
    'of many that append with the same version, in one process and in several, one wins',
    async (bench) => {
      const one = await bench.openService();
      const other = await bench.openService();
      const racers = Array.from({ length: RACERS }, (_, racer) => (racer % 2 ? one : other).events);
      for (let version = 0; version < 10; version++)
        assert.equal(await race(racers, 'order-1', version), 1, `winners at version ${version}`);
      assert.deepEqual(
        (await one.events.read('order-1')).map(({ version }) => version),
        Array.from({ length: 10 }, (_, index) => index + 1),
      );
    },
  ),
  storeCase(
    'M5',
    'appends to Any that run side by side all succeed, without a hole and whole',
    async (bench) => {
      const one = await bench.openService();
      const other = await bench.openService();
      const versions = await Promise.all(
        Array.from({ length: 40 }, (_, racer) =>
          (racer % 2 ? one : other).events.append('order-1', numbered(3, racer * 3), 'any'),
        ),
      );
      assert.equal(new Set(versions.map(({ version }) => version)).size, 40);
      const stored = await one.events.read('order-1');
      assert.deepEqual(
        stored.map(({ version }) => version),
        Array.from({ length: 120 }, (_, index) => index + 1),
      );
      for (let at = 0; at < stored.length; at += 3) {
        const [first] = dataOf(stored.slice(at, at + 1)) as { n: number }[];
        assert.deepEqual(
          dataOf(stored.slice(at, at + 3)),
          dataOf(numbered(3, first?.n)),
          'a batch came apart',
        );
      }
    },
  ),
  storeCase('M6', 'of many that begin the same stream one wins', async (bench) => {
    const one = await bench.openService();
    const other = await bench.openService();
    const racers = Array.from({ length: RACERS }, (_, racer) => (racer % 2 ? one : other).events);
    for (let stream = 0; stream < 5; stream++)
      assert.equal(await race(racers, `order-${stream}`, 'no-stream'), 1);
  }),
  storeCase(
    'M7',
    'one append of many events, or to several streams, happens wholly or not at all',
    async (bench) => {
      const { events } = await bench.openService();
      await events.append('order-1', numbered(1), 0);
      const good = { stream: 'order-2', events: numbered(500), expected: 'no-stream' as const };
      const bad = { stream: 'order-1', events: numbered(1), expected: 5 };
      await conflictOf(events.appendAll([good, bad]));
      assert.deepEqual(await events.read('order-2'), []);
      const again = { ...bad, expected: 1 };
      assert.deepEqual(await events.appendAll([good, again]), [{ version: 500 }, { version: 2 }]);
      assert.deepEqual(dataOf(await events.read('order-2')), dataOf(numbered(500)));
      const opposite = { stream: 'order-2', events: numbered(1), expected: 'any' as const };
      const pairs = Array.from({ length: 20 }, (_, turn) => {
        const appends = [opposite, { ...opposite, stream: 'order-1' }];
        return events.appendAll(turn % 2 ? appends : appends.toReversed());
      });
      await bench.within(Promise.all(pairs), 'appends to the same streams in opposite orders');
    },
  ),
  storeCase('M8', 'an append that is made again with the same ids is made once', async (bench) => {
    const { events } = await bench.openService();
    const given: EventToAppend[] = ['a', 'b'].map((id) => ({
      id: `${bench.namespace}-${id}`,
      type: 't',
      data: id,
    }));
    for (const expected of [0, 0, 'no-stream', 'any'] as const)
      assert.deepEqual(await events.append('order-1', given, expected), { version: 2 }, `with ${expected}`);
    await events.append('order-1', numbered(1), 2);
    assert.deepEqual(await events.append('order-1', given, 0), { version: 3 });
    assert.equal((await events.read('order-1')).length, 3);
    await events.truncate('order-1', 3);
    assert.deepEqual(await events.append('order-1', given, 0), { version: 3 });
    await rejection(events.append('order-2', given, 0), 'invalid');
  }),
  storeCase(
    'M8',
    'an id that another event has is refused, and nothing of that append is stored',
    async (bench) => {
      const { events } = await bench.openService();
      const id = `${bench.namespace}-taken`;
      await events.append('order-1', [{ id, type: 't', data: 1 }], 0);
      const elsewhere = events.append(
        'order-2',
        [
          { type: 't', data: 2 },
          { id, type: 't', data: 3 },
        ],
        0,
      );
      await rejection(elsewhere, 'invalid');
      const twin = { id: `${bench.namespace}-twin`, type: 't', data: 1 };
      await rejection(events.append('order-2', [twin, twin], 0), 'invalid');
      const repeat = { stream: 'order-1', events: [{ id, type: 't', data: 1 }], expected: 0 };
      const fresh = { stream: 'order-3', events: numbered(1), expected: 0 };
      await rejection(events.appendAll([fresh, repeat]), 'invalid');
      assert.equal((await all(events.readAll())).flatMap((batch) => batch.events).length, 1);
    },
  ),
];
