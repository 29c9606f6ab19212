import assert from 'node:assert/strict';
import { bothOrderings, contractCase } from './case.ts';
import type { Handled } from './bench.ts';
import { gate } from './collector.ts';
import { event, events, EVENT_TYPE, GROUP, ids, OTHER_GROUP } from './messages.ts';

export const loadCases = [
  ...bothOrderings('B5', 'fifty publishers and three consumers lose nothing', async (bench, ordering) => {
    const members = await Promise.all([bench.open(), bench.open(), bench.open()]);
    const handled = bench.collector<Handled>();
    await Promise.all(
      members.map((member, index) => bench.subscribe(member, { ordering }, handled, undefined, `${index}`)),
    );
    const sent = Array.from({ length: 50 }, () => events(10));
    await Promise.all(
      sent.map(async (batch, publisher) => {
        const stream = members[publisher % members.length]?.messaging.events;
        for (let at = 0; at < batch.length; at += 5) await stream?.publish(...batch.slice(at, at + 5));
      }),
    );
    await handled.count(500);
    assert.deepEqual(ids(handled.items), ids(sent.flat()));
  }),

  ...bothOrderings(
    'B9',
    'nothing is lost when consumers are taken down and built again in batches',
    async (bench, ordering) => {
      const member = await bench.open();
      await member.driver.declare({ groups: [{ group: GROUP, types: [EVENT_TYPE], from: 'new', ordering }] });
      const sent = events(60);
      await member.messaging.events.publish(...sent);
      const handled = bench.collector<Handled>();
      const distinct = (): number => new Set(handled.items.map(({ id }) => id)).size;
      for (let goal = 15; goal <= 60; goal += 15) {
        const enough = gate();
        const hold = () => (distinct() < goal ? Promise.resolve() : enough.opened);
        const consumer = await bench.subscribe(member, { ordering, concurrency: 4 }, handled, hold);
        await handled.until(() => distinct() >= goal, `${goal} of 60 events`);
        const draining = consumer.drain(bench.deadlineMs);
        enough.open();
        await draining;
        if (goal < 60) assert.ok(distinct() < 60, 'there was no backlog left to be lost');
      }
      assert.deepEqual(ids(handled.items), ids(sent));
    },
  ),

  contractCase(
    'B11',
    'a consumer that is stuck does not stall another, of a group or of a queue',
    async (bench) => {
      const { messaging } = await bench.open();
      const stuck = gate();
      bench.atEnd(async () => stuck.open());
      const handled = bench.collector<string>();
      for (const ordering of ['by-key', 'none'] as const) {
        const group = `tester.stuck-${ordering}`;
        await messaging.events.subscribe({ group, types: [EVENT_TYPE], ordering }, () => stuck.opened);
        const other = `tester.free-${ordering}`;
        await messaging.events.subscribe({ group: other, types: [EVENT_TYPE], ordering }, async ({ id }) =>
          handled.add(id),
        );
      }
      await messaging.queue.receive({ context: 'stuck' }, () => stuck.opened);
      await messaging.queue.receive({ context: 'free' }, async ({ id }) => handled.add(id));
      const sent = events(40);
      const commands = (context: string) => events(20, () => ({ type: `${context}.do-thing.v1` }));
      const free = commands('free');
      await messaging.events.publish(...sent);
      await messaging.queue.send(...commands('stuck'), ...free);
      await handled.count(100);
      assert.deepEqual(handled.items.toSorted(), [...ids(sent), ...ids(sent), ...ids(free)].toSorted());
    },
  ),

  contractCase('B11', 'a group that keeps failing does not stall another', async (bench) => {
    const { messaging } = await bench.open();
    const failing = {
      group: OTHER_GROUP,
      types: [EVENT_TYPE],
      retry: { maxAttempts: 1_000, initialDelayMs: 20, maxDelayMs: 20 },
    };
    await messaging.events.subscribe(failing, () => Promise.reject(new Error('always')));
    const handled = bench.collector<{ id: string }>();
    await messaging.events.subscribe({ group: GROUP, types: [EVENT_TYPE] }, async (message) =>
      handled.add(message),
    );
    const sent = events(24);
    await messaging.events.publish(...sent);
    await handled.count(sent.length);
    assert.deepEqual(ids(handled.items), ids(sent));
  }),

  ...bothOrderings(
    'F13',
    'with one handling in ten failing at random all events arrive',
    async (bench, ordering) => {
      const member = await bench.open();
      const seed = bench.harness.seed ?? Math.trunc(Math.random() * 2 ** 31);
      const random = randomFrom(seed);
      const succeeded = bench.collector<{ id: string }>();
      const started = bench.collector<Handled>();
      const subscription = { ordering, retry: { maxAttempts: 30, initialDelayMs: 10, maxDelayMs: 10 } };
      await bench.subscribe(member, subscription, started, async (message) => {
        if (random() < 0.1) throw new Error(`a failure at random, seed ${seed}`);
        succeeded.add(message);
      });
      const sent = Array.from({ length: 200 }, (_, index) => event({ partitionkey: `key-${index % 16}` }));
      await member.messaging.events.publish(...sent);
      await succeeded.until((items) => items.length >= sent.length, `200 events with the seed ${seed}`);
      await bench.settled(member);
      assert.deepEqual(ids(succeeded.items), ids(sent), `seed ${seed}`);
      assert.deepEqual(await member.messaging.deadLetters.list(), []);
    },
  ),
];

/** Mulberry32: numbers in [0, 1) that a seed brings back. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
