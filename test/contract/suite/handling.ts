import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { Handler } from '@waggle/kernel';
import type { Handled } from './bench.ts';
import { LANES, QUICK } from './bench.ts';
import { bothOrderings, contractCase } from './case.ts';
import { gate } from './collector.ts';
import { assertNoAttemptLost } from './expectations.ts';
import { command, CONTEXT, event, events, EVENT_TYPE, ids, keysOfEveryLane } from './messages.ts';

export const handlingCases = [
  ...bothOrderings(
    'F11',
    'a handler past its time is told so, the event comes again, and the late result does not count',
    async (bench, ordering) => {
      const member = await bench.open();
      const late = gate();
      bench.atEnd(async () => late.open());
      const handled = bench.collector<Handled>();
      const aborted = bench.collector<boolean>();
      const lateDone = gate();
      await bench.subscribe(member, { ordering, timeoutMs: 150 }, handled, async (_, { attempt, signal }) => {
        if (attempt === 1) {
          await late.opened;
          aborted.add(signal.aborted);
          lateDone.open();
          return; // says "done", long after its time
        }
        if (attempt > 2) return;
        late.open();
        await lateDone.opened;
        throw new Error('the second attempt fails');
      });
      const sent = event({ partitionkey: 'a' });
      await member.messaging.events.publish(sent);
      await handled.count(3);
      await bench.settled(member);
      assert.deepEqual(
        handled.items.map(({ attempt }) => attempt),
        [1, 2, 3],
      );
      assert.deepEqual(aborted.items, [true]);
      assert.deepEqual(await member.messaging.deadLetters.list(), []);
    },
  ),

  contractCase('F11', 'a handler that never ends uses up its attempts like one that fails', async (bench) => {
    const member = await bench.open();
    const handled = bench.collector<Handled>();
    const subscription = { timeoutMs: 60, retry: { ...QUICK, maxAttempts: 2 } };
    await bench.subscribe(member, subscription, handled, () => new Promise(() => undefined));
    await member.messaging.events.publish(event({ partitionkey: 'a' }));
    const [entry] = await bench.deadLetters(member, 1);
    await bench.settled(member);
    assert.deepEqual([entry?.cause, entry?.attempts, handled.items.length], ['attempts-exhausted', 2, 2]);
  }),

  contractCase('F12', 'what was finished out of order does not take along what was not', async (bench) => {
    const settings = { leaseMs: bench.harness.limits.leaseMs };
    const dying = await bench.open({ settings });
    const stuck = gate();
    bench.atEnd(async () => stuck.open());
    const started = bench.collector<Handled>();
    const sent = events(6, () => ({}));
    const slow = new Set([sent[0]?.id, sent[2]?.id]);
    await bench.subscribe(dying, { ordering: 'none', concurrency: 6 }, started, ({ id }) =>
      slow.has(id) ? stuck.opened : Promise.resolve(),
    );
    await dying.messaging.events.publish(...sent);
    await started.count(sent.length);
    await bench.lagOf(dying, 2); // the other four are settled
    await dying.driver.close();

    const survivor = await bench.open({ settings });
    const handled = bench.collector<Handled>();
    await bench.subscribe(survivor, { ordering: 'none' }, handled);
    const sentinel = event();
    await survivor.messaging.events.publish(sentinel);
    await handled.count(3);
    await bench.settled(survivor);
    const again = handled.items.filter(({ id }) => id !== sentinel.id);
    assert.deepEqual(new Set(again.map(({ id }) => id)), slow);
    assert.deepEqual(
      again.map(({ attempt }) => attempt),
      [2, 2],
    );
  }),

  ...bothOrderings(
    'F14',
    'a handler that runs much longer than the lease keeps its event to itself',
    async (bench, ordering) => {
      const { leaseMs } = bench.harness.limits;
      const [busy, idle] = await Promise.all([
        bench.open({ settings: { leaseMs } }),
        bench.open({ settings: { leaseMs } }),
      ]);
      const handled = bench.collector<Handled>();
      const sent = event({ partitionkey: 'a' });
      const long: Handler = async ({ id }) => {
        if (id === sent.id) await delay(leaseMs * 2.5); // the passing of this very time is what is tested
      };
      await bench.subscribe(busy, { ordering }, handled, long, 'busy');
      await busy.messaging.events.publish(sent);
      await handled.count(1);
      await bench.subscribe(idle, { ordering }, handled, undefined, 'idle');
      await bench.within(bench.settled(busy), 'the long handler');
      const sentinel = event({ partitionkey: 'a' });
      await idle.messaging.events.publish(sentinel);
      await handled.count(2);
      await bench.settled(idle);
      assert.deepEqual(
        handled.items.map(({ id, attempt }) => [id, attempt]),
        [
          [sent.id, 1],
          [sentinel.id, 1],
        ],
      );
    },
  ),

  contractCase('F14', 'a retry may wait longer than the lease', async (bench) => {
    const { leaseMs } = bench.harness.limits;
    const member = await bench.open({ settings: { leaseMs } });
    const retry = { initialDelayMs: leaseMs * 1.5, jitter: 0 };
    const at = bench.collector<{ attempt: number; ms: number }>();
    for (const ordering of ['by-key', 'none'] as const) {
      const subscription = { group: `tester.${ordering}`, types: [EVENT_TYPE], ordering, retry };
      await member.messaging.events.subscribe(subscription, async (_, { attempt }) => {
        at.add({ attempt, ms: performance.now() });
        if (attempt === 1) throw new Error('as planned');
      });
    }
    await member.messaging.events.publish(event({ partitionkey: 'a' }));
    await at.count(4);
    const [first, , , last] = at.items;
    assert.deepEqual(
      at.items.map(({ attempt }) => attempt),
      [1, 1, 2, 2],
    );
    assert.ok(first !== undefined && last !== undefined && last.ms - first.ms >= leaseMs * 1.4);
  }),

  contractCase(
    'F15',
    'what was taken and not started when a member leaves has lost no attempt, by key',
    async (bench) => {
      const leaving = await bench.open();
      const started = bench.collector<Handled>();
      const busy = gate();
      bench.atEnd(async () => busy.open());
      const consumer = await bench.subscribe(leaving, { concurrency: 1 }, started, () => busy.opened);
      const sent = keysOfEveryLane(LANES).map((partitionkey) => event({ partitionkey }));
      await leaving.messaging.events.publish(...sent);
      await started.count(1);
      const draining = consumer.drain(bench.deadlineMs);
      busy.open();
      await draining;
      const staying = await bench.open();
      const handled = bench.collector<Handled>();
      await bench.subscribe(staying, {}, handled);
      await handled.count(sent.length - started.items.length);
      await bench.settled(staying);
      assert.deepEqual(ids([...started.items, ...handled.items]), ids(sent));
      assertNoAttemptLost(bench.harness, handled.items);
    },
  ),

  contractCase(
    'F15',
    'what was taken and not started when a member leaves has lost no attempt, without order',
    async (bench) => {
      const [leaving, staying] = await Promise.all([bench.open(), bench.open()]);
      const started = bench.collector<Handled>();
      const busy = gate();
      bench.atEnd(async () => busy.open());
      await bench.subscribe(leaving, { ordering: 'none', concurrency: 2 }, started, () => busy.opened);
      const sent = events(10);
      await leaving.messaging.events.publish(...sent);
      await started.count(2);
      const draining = leaving.messaging.drain(bench.deadlineMs);
      busy.open();
      await draining;
      const handled = bench.collector<Handled>();
      await bench.subscribe(staying, { ordering: 'none' }, handled);
      await handled.count(sent.length - started.items.length);
      await bench.settled(staying);
      assert.deepEqual(ids([...started.items, ...handled.items]), ids(sent));
      assertNoAttemptLost(bench.harness, handled.items);
    },
  ),

  contractCase(
    'F15',
    'what was only ever handed back is never given up on, however few attempts it has',
    async (bench) => {
      const sent = keysOfEveryLane(LANES).map((partitionkey) => event({ partitionkey }));
      const handled = bench.collector<Handled>();
      const subscription = { concurrency: 1, retry: { maxAttempts: 1 } };
      for (let round = 1; round <= sent.length; round++) {
        const member = await bench.open();
        const busy = gate();
        bench.atEnd(async () => busy.open());
        const consumer = await bench.subscribe(member, subscription, handled, () => busy.opened);
        if (round === 1) await member.messaging.events.publish(...sent);
        await handled.count(round);
        const draining = consumer.drain(bench.deadlineMs);
        busy.open();
        await draining;
        if (round === sent.length) assert.deepEqual(await member.messaging.deadLetters.list(), []);
        assert.equal(
          member.driver.releaseCounts ?? false,
          bench.harness.declares['release-counts'] !== undefined,
        );
        await member.messaging.close();
      }
      assert.deepEqual(ids(handled.items), ids(sent));
    },
  ),

  contractCase(
    'F15',
    'a command that was taken and not started when its receiver leaves has lost no attempt',
    async (bench) => {
      const [leaving, staying] = await Promise.all([bench.open(), bench.open()]);
      const started = bench.collector<Handled>();
      const handled = bench.collector<Handled>();
      const busy = gate();
      bench.atEnd(async () => busy.open());
      const receiving = { context: CONTEXT, concurrency: 1 };
      await leaving.messaging.queue.receive(receiving, async ({ id }, { attempt }) => {
        started.add({ id, attempt, member: 'leaving' });
        await busy.opened;
      });
      const sent = keysOfEveryLane(LANES).map((partitionkey) => command({ partitionkey }));
      await leaving.messaging.queue.send(...sent);
      await started.count(1);
      const draining = leaving.messaging.drain(bench.deadlineMs);
      busy.open();
      await draining;
      await staying.messaging.queue.receive(receiving, async ({ id }, { attempt }) =>
        handled.add({ id, attempt, member: 'staying' }),
      );
      await handled.count(sent.length - started.items.length);
      await bench.settled(staying, { kind: 'queue', context: CONTEXT });
      assert.deepEqual(ids([...started.items, ...handled.items]), ids(sent));
      assertNoAttemptLost(bench.harness, handled.items);
    },
  ),
];
