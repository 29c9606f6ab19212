import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { Observation } from '@waggle/kernel';
import type { Bench } from './bench.ts';
import { contractCase } from './case.ts';
import { command, CONTEXT, event, EVENT_TYPE, GROUP } from './messages.ts';

const QUEUE = { kind: 'queue', context: CONTEXT } as const;

export const timeToLiveCases = [
  contractCase(
    'L1',
    'a command past its time is not handled but settled and counted, and others go on',
    async (bench) => {
      const { member, observed, expired } = await observing(bench);
      const { queue, deadLetters } = member.messaging;
      await queue.declare(CONTEXT);
      const over = command({ partitionkey: 'a', expirytime: fromNow(-1_000) });
      const ends = command({ expirytime: fromNow(300) });
      const lasts = command({ partitionkey: 'a', expirytime: fromNow(3_600_000) });
      const sentinels = [command(), command({ partitionkey: 'a' })];
      await queue.send(over, ends, lasts, ...sentinels);
      await delay(320); // the passing of this very time is what is tested
      const handled = bench.collector<string>();
      await queue.receive({ context: CONTEXT }, async ({ id }) => handled.add(id));
      await handled.count(3);
      await observed.until(() => expired().length >= 2, 'two observations');
      await bench.settled(member, QUEUE);
      const wanted = [lasts, ...sentinels].map(({ id }) => id);
      assert.deepEqual(handled.items.toSorted(), wanted.toSorted());
      assert.deepEqual(expired().toSorted(), [over.id, ends.id].toSorted());
      assert.deepEqual(await deadLetters.list(), []);
    },
  ),

  contractCase('L1', 'a retry that comes after its time is not handled any more', async (bench) => {
    const { member, observed, expired } = await observing(bench);
    const { queue, deadLetters } = member.messaging;
    const attempts = bench.collector<number>();
    const retry = { initialDelayMs: 600, jitter: 0 };
    await queue.receive({ context: CONTEXT, retry }, async (_, { attempt }) => {
      attempts.add(attempt);
      await delay(200); // past its time; a handling that has begun goes on
      throw new Error('as planned');
    });
    const sent = command({ partitionkey: 'a', expirytime: fromNow(700) });
    await queue.send(sent);
    await observed.until(() => expired().length === 1, 'the observation');
    await bench.settled(member, QUEUE);
    assert.deepEqual(attempts.items, [1]);
    assert.deepEqual(expired(), [sent.id]);
    assert.deepEqual(await deadLetters.list(), []);
  }),

  contractCase('L1', 'an event carries its time and is handled all the same', async (bench) => {
    const { messaging } = await bench.open();
    const handled = bench.collector<string | undefined>();
    await messaging.events.subscribe({ group: GROUP, types: [EVENT_TYPE] }, async ({ expirytime }) =>
      handled.add(expirytime),
    );
    const expirytime = fromNow(-1_000);
    await messaging.events.publish(event({ expirytime }));
    await handled.count(1);
    assert.deepEqual(handled.items, [expirytime]);
  }),
];

function fromNow(ms: number): string {
  return new Date(Date.now() + ms).toISOString();
}

/** A member whose observations are collected. */
async function observing(bench: Bench) {
  const observed = bench.collector<Observation>();
  const member = await bench.open({ messaging: { observer: (observation) => observed.add(observation) } });
  const expired = (): readonly string[] =>
    observed.items.flatMap(({ what, id }) => (what === 'expired' && id !== undefined ? [id] : []));
  return { member, observed, expired };
}
