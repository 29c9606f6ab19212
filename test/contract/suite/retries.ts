import assert from 'node:assert/strict';
import type { RetryPolicy } from '@waggle/kernel';
import type { Bench, Handled, Member } from './bench.ts';
import { bothOrderings, contractCase } from './case.ts';
import type { Ordering } from './case.ts';
import { command, CONTEXT, event, ids } from './messages.ts';

/** Clocks of two sides, and timers, round to a millisecond. */
const ROUNDING_MS = 3;

export const retryCases = [
  ...bothOrderings(
    'F1',
    'a handler that throws gets the event again, and its attempts are counted from 1',
    async (bench, ordering) => {
      const member = await bench.open();
      const handled = bench.collector<Handled>();
      await bench.subscribe(
        member,
        { ordering, retry: { maxAttempts: 5, initialDelayMs: 20, maxDelayMs: 30 } },
        handled,
        fail,
      );
      await member.messaging.events.publish(event({ partitionkey: 'a' }));
      await handled.count(5);
      await bench.deadLetters(member, 1);
      await bench.settled(member);
      assert.deepEqual(attempts(handled.items), [1, 2, 3, 4, 5]);
    },
  ),

  contractCase(
    'F1',
    'a command whose handler throws comes again, and its attempts are counted from 1',
    async (bench) => {
      const member = await bench.open();
      const seen = bench.collector<number>();
      const options = { context: CONTEXT, retry: { maxAttempts: 3, initialDelayMs: 20 } };
      await member.messaging.queue.receive(options, async (_, { attempt, consumer }) => {
        assert.equal(consumer, CONTEXT);
        seen.add(attempt);
        return fail();
      });
      await member.messaging.queue.send(command({ partitionkey: 'a' }), command());
      await seen.count(6);
      await bench.deadLetters(member, 2);
      assert.deepEqual(seen.items.toSorted(), [1, 1, 2, 2, 3, 3]);
    },
  ),

  ...bothOrderings(
    'F1',
    'attempts go on counting when the process dies between them',
    async (bench, ordering) => {
      const settings = { leaseMs: bench.harness.limits.leaseMs };
      const handled = bench.collector<Handled>();
      const retry = { maxAttempts: 10, initialDelayMs: 20, maxDelayMs: 20 };
      const first = await bench.open({ settings });
      await bench.subscribe(first, { ordering, retry }, handled, async (_, { attempt }) => {
        if (attempt === 1) throw new Error('the first failure');
        await first.driver.close(); // dies in the middle of the second
        await new Promise<void>((resolve) => bench.atEnd(async () => resolve()));
      });
      await first.messaging.events.publish(event({ partitionkey: 'a' }));
      await handled.count(2);
      const second = await bench.open({ settings });
      await bench.subscribe(second, { ordering, retry }, handled, async (_, { attempt }) => {
        if (attempt < 4) throw new Error('one more failure');
      });
      await handled.count(4);
      await bench.settled(second);
      assert.deepEqual(attempts(handled.items), [1, 2, 3, 4]);
    },
  ),

  ...bothOrderings(
    'F2',
    'what succeeds on the third attempt is done: no dead letter and no fourth',
    async (bench, ordering) => {
      const member = await bench.open();
      const handled = bench.collector<Handled>();
      await bench.subscribe(member, { ordering }, handled, async (_, { attempt }) => {
        if (attempt < 3) return fail();
      });
      const [sent, sentinel] = [event({ partitionkey: 'a' }), event({ partitionkey: 'a' })];
      await member.messaging.events.publish(sent);
      await handled.count(3);
      await member.messaging.events.publish(sentinel);
      await handled.count(6);
      await bench.settled(member);
      assert.deepEqual(
        handled.items.map(({ id, attempt }) => [id, attempt]),
        [sent, sentinel].flatMap(({ id }) => [1, 2, 3].map((attempt) => [id, attempt])),
      );
      assert.deepEqual(await member.messaging.deadLetters.list(), []);
    },
  ),

  ...bothOrderings(
    'F3',
    'each delay is a floor, and the floors grow by the factor',
    async (bench, ordering) => {
      const member = await bench.open();
      const waits = await waitsBetweenAttempts(bench, member, ordering, {
        maxAttempts: 4,
        initialDelayMs: 60,
        factor: 3,
        jitter: 0.2,
      });
      for (const [index, floor] of [60, 180, 540].entries()) {
        const waited = waits[index] ?? 0;
        assert.ok(
          waited >= floor - ROUNDING_MS,
          `after attempt ${index + 1} it came after ${waited} ms instead of ${floor}`,
        );
      }
    },
  ),

  ...bothOrderings('F3', 'no delay is longer than the longest', async (bench, ordering) => {
    const member = await bench.open();
    const policy = { maxAttempts: 4, initialDelayMs: 50, factor: 1_000, maxDelayMs: 80, jitter: 0 };
    const waits = await waitsBetweenAttempts(bench, member, ordering, policy);
    assert.equal(waits.length, 3); // uncapped, the second delay alone would be beyond every deadline
    assert.ok(
      waits.slice(1).every((waited) => waited >= 80 - ROUNDING_MS),
      `waited ${waits.join(', ')} ms`,
    );
  }),

  contractCase(
    'F4',
    'while a retry waits, a consumer without order takes others in its place',
    async (bench) => {
      const member = await bench.open();
      const handled = bench.collector<Handled>();
      const retry = { initialDelayMs: 1_500, jitter: 0 };
      const [failing, ...others] = [event(), event(), event(), event(), event()];
      await bench.subscribe(
        member,
        { ordering: 'none', concurrency: 1, retry },
        handled,
        async ({ id }, { attempt }) => {
          if (id === failing.id && attempt === 1) return fail();
        },
      );
      await member.messaging.events.publish(failing);
      await handled.count(1);
      await member.messaging.events.publish(...others);
      await handled.count(6);
      await bench.settled(member);
      const [first, second] = handled.items;
      assert.deepEqual(first, { id: failing.id, attempt: 1, member: 'only' });
      assert.ok(second !== undefined && second.id !== failing.id, 'the retry was waited for');
      assert.deepEqual(ids(handled.items), ids([failing, failing, ...others]));
    },
  ),

  contractCase('F4', 'more retries may wait than handlers may run', async (bench) => {
    const member = await bench.open();
    const handled = bench.collector<Handled>();
    const retry = { initialDelayMs: 1_500, jitter: 0 };
    await bench.subscribe(
      member,
      { ordering: 'none', concurrency: 2, retry },
      handled,
      async (_, { attempt }) => {
        if (attempt === 1) return fail();
      },
    );
    const sent = Array.from({ length: 30 }, () => event());
    await member.messaging.events.publish(...sent);
    await handled.count(60);
    const waiting = handled.items.findIndex(({ attempt }) => attempt === 2);
    assert.ok(waiting > 2, `${waiting} had failed when the first came again`);
    assert.deepEqual(ids(handled.items), ids([...sent, ...sent]));
  }),
];

const fail = (): Promise<never> => Promise.reject(new Error('as planned'));

function attempts(handled: readonly Handled[]): readonly number[] {
  return handled.map(({ attempt }) => attempt);
}

/** Milliseconds from each failure to the next attempt. */
async function waitsBetweenAttempts(bench: Bench, member: Member, ordering: Ordering, retry: RetryPolicy) {
  const handled = bench.collector<Handled>();
  const waits: number[] = [];
  let failedAt: number | undefined;
  await bench.subscribe(member, { ordering, retry }, handled, async () => {
    if (failedAt !== undefined) waits.push(performance.now() - failedAt);
    failedAt = performance.now();
    throw new Error('as planned');
  });
  await member.messaging.events.publish(event({ partitionkey: 'a' }));
  await handled.count(retry.maxAttempts ?? 1);
  return waits;
}
