import assert from 'node:assert/strict';
import { Reject } from '@waggle/kernel';
import { bothOrderings, contractCase } from './case.ts';
import type { Handled } from './bench.ts';
import { command, CONTEXT, event, GROUP, ids, OTHER_GROUP } from './messages.ts';

export const redriveCases = [
  ...bothOrderings(
    'F16',
    'a dead letter that is redriven comes to the group that gave up, as a first attempt, and to no other',
    async (bench, ordering) => {
      const member = await bench.open();
      const { deadLetters, events } = member.messaging;
      const [first, second] = [bench.collector<Handled>(), bench.collector<Handled>()];
      let broken = true;
      await bench.subscribe(member, { ordering }, first, async () => {
        if (broken) throw new Reject('not yet');
      });
      await bench.subscribe(member, { ordering, group: OTHER_GROUP }, second);
      const sent = [event({ partitionkey: 'a' }), event()];
      await events.publish(...sent);
      const given = await bench.deadLetters(member, 2);
      await second.count(2);
      broken = false;
      assert.deepEqual(await deadLetters.redrive({ consumer: OTHER_GROUP }), []);
      const wouldBe = await deadLetters.redrive({ consumer: GROUP }, { dryRun: true });
      assert.deepEqual(ids(wouldBe), ids(given));
      assert.equal((await deadLetters.list()).length, 2);
      const redriven = await deadLetters.redrive({ consumer: GROUP });
      assert.deepEqual(ids(redriven), ids(given));
      await first.count(4);
      await bench.settled(member);
      await bench.settled(member, { kind: 'group', group: OTHER_GROUP });
      assert.deepEqual(
        first.items.map(({ attempt }) => attempt),
        [1, 1, 1, 1],
      );
      assert.deepEqual(ids(first.items), ids([...sent, ...sent]));
      assert.deepEqual(ids(second.items), ids(sent));
      assert.deepEqual(await deadLetters.list(), []);
    },
  ),

  contractCase('F16', 'a command that is redriven is handled, and the others stay', async (bench) => {
    const { messaging } = await bench.open();
    const handled = bench.collector<{ id: string; attempt: number }>();
    let broken = true;
    await messaging.queue.receive({ context: CONTEXT }, async ({ id }, { attempt }) => {
      if (broken) throw new Reject('not yet');
      handled.add({ id, attempt });
    });
    const [one, other] = [command({ partitionkey: 'a' }), command()];
    await messaging.queue.send(one, other);
    const list = () => messaging.deadLetters.list({ consumer: CONTEXT });
    const given = await bench.eventually(list, ({ length }) => length === 2, '2 dead letters');
    broken = false;
    const { id } = given.find(({ messageId }) => messageId === one.id) ?? { id: 'none' };
    await messaging.deadLetters.redrive({ id });
    await handled.count(1);
    assert.deepEqual(handled.items, [{ id: one.id, attempt: 1 }]);
    assert.deepEqual(
      (await list()).map(({ messageId }) => messageId),
      [other.id],
    );
  }),

  contractCase('F16', 'what is redriven and given up on again is listed again', async (bench) => {
    const member = await bench.open();
    const { deadLetters, events } = member.messaging;
    const handled = bench.collector<Handled>();
    await bench.subscribe(member, {}, handled, () => Promise.reject(new Reject('never')));
    const sent = event({ partitionkey: 'a' });
    await events.publish(sent);
    for (let times = 1; times <= 3; times++) {
      await handled.count(times);
      await bench.settled(member);
      const [entry, ...others] = await bench.deadLetters(member, 1);
      assert.deepEqual([entry?.messageId, entry?.attempts, others.length], [sent.id, 1, 0]);
      await deadLetters.redrive({});
    }
  }),

  contractCase(
    'F16',
    'what is discarded is gone for good, is not handled, and the rest stays',
    async (bench) => {
      const member = await bench.open();
      const { deadLetters, events } = member.messaging;
      const handled = bench.collector<Handled>();
      await bench.subscribe(member, { ordering: 'none' }, handled, () => Promise.reject(new Reject('never')));
      const [one, other] = [event(), event()];
      await events.publish(one, other);
      const given = await bench.deadLetters(member, 2);
      const { id } = given.find(({ messageId }) => messageId === one.id) ?? { id: 'none' };
      assert.deepEqual(
        (await deadLetters.discard({ id })).map(({ messageId }) => messageId),
        [one.id],
      );
      await bench.settled(member);
      const elsewhere = await bench.open();
      const left = await elsewhere.messaging.deadLetters.list();
      assert.deepEqual(
        left.map(({ messageId }) => messageId),
        [other.id],
      );
      assert.equal(handled.items.length, 2);
    },
  ),
];
