import assert from 'node:assert/strict';
import type { GroupState } from '@waggle/kernel';
import type { Handled } from './bench.ts';
import { bothOrderings, contractCase } from './case.ts';
import { rejection } from './expectations.ts';
import { command, CONTEXT, event, events, EVENT_TYPE, GROUP, ids, OTHER_GROUP } from './messages.ts';
import { idle, openBrief } from './places.ts';

export const listingCases = [
  contractCase(
    'K8',
    'groups and queues are listed with what they ask for, how far they are behind, and whether they are in use',
    async (bench) => {
      const [operator, member] = await Promise.all([openBrief(bench), openBrief(bench)]);
      const { groups, events: stream, queue } = operator.messaging;
      assert.deepEqual(await groups.list(), []);
      const handled = bench.collector<Handled>();
      const types = ['other.*', EVENT_TYPE];
      const consumer = await bench.subscribe(member, { types }, handled);
      await member.driver.declare({
        groups: [{ group: OTHER_GROUP, types: ['*'], from: 'new', ordering: 'none' }],
        queues: [CONTEXT],
      });
      const expected = (inUse: boolean, lag: number): readonly GroupState[] => [
        { kind: 'group', name: GROUP, ordering: 'by-key', types: types.toSorted(), lag, inUse },
        { kind: 'group', name: OTHER_GROUP, ordering: 'none', types: ['*'], lag, inUse: false },
        { kind: 'queue', name: CONTEXT, ordering: 'by-key', types: ['*'], lag: lag / 2, inUse: false },
      ];
      const shown = async () =>
        (await groups.list()).map((state) => ({ ...state, types: state.types.toSorted() }));
      assert.deepEqual(await shown(), expected(true, 0));
      await consumer.drain(bench.deadlineMs);
      await member.messaging.close();
      // Nobody who declared it is there any more.
      await idle(bench, operator);
      await stream.publish(...events(4));
      await queue.send(command(), command({ partitionkey: 'a' }));
      await bench.lagOf(operator, 4);
      assert.deepEqual(await shown(), expected(false, 4));
    },
  ),

  ...bothOrderings(
    'K8',
    'a group that is deleted is gone, and one of its name begins anew',
    async (bench, ordering) => {
      const [operator, member] = await Promise.all([openBrief(bench), openBrief(bench)]);
      const { groups, events: stream } = operator.messaging;
      await rejection(groups.delete({ kind: 'group', name: GROUP }), 'unroutable');
      const handled = bench.collector<Handled>();
      const consumer = await bench.subscribe(member, { ordering }, handled);
      await stream.publish(event(), event({ partitionkey: 'a' }));
      await handled.count(2);
      await bench.settled(member);
      await consumer.drain(bench.deadlineMs);
      await stream.publish(...events(8));
      await idle(bench, operator);
      await groups.delete({ kind: 'group', name: GROUP });
      assert.deepEqual(await groups.list(), []);
      await rejection(operator.driver.lag({ kind: 'group', group: GROUP }), 'unroutable');
      await stream.publish(...events(8));
      // The one who was there before begins like any other, and with another order.
      const other = ordering === 'none' ? 'by-key' : 'none';
      const again = bench.collector<Handled>();
      await bench.subscribe(member, { ordering: other }, again);
      const next = events(8);
      await stream.publish(...next);
      await again.count(next.length);
      await bench.settled(member);
      assert.deepEqual(ids(again.items), ids(next));
    },
  ),

  contractCase(
    'K8',
    'a queue can be deleted with what is in it, but not while it is in use',
    async (bench) => {
      const [operator, member] = await Promise.all([openBrief(bench), openBrief(bench)]);
      const { groups, queue } = operator.messaging;
      const state = { kind: 'queue', name: CONTEXT } as const;
      await rejection(groups.delete(state), 'unroutable');
      const consumer = await member.messaging.queue.receive({ context: CONTEXT }, async () => undefined);
      await rejection(groups.delete(state), 'conflict');
      await consumer.drain(bench.deadlineMs);
      await queue.send(command(), command({ partitionkey: 'a' }));
      await idle(bench, operator, CONTEXT);
      await groups.delete(state);
      assert.deepEqual(await groups.list(), []);
      await rejection(queue.send(command()), 'unroutable');
      const handled = bench.collector<{ readonly id: string }>();
      await member.messaging.queue.receive({ context: CONTEXT }, async ({ id }) => handled.add({ id }));
      const next = [command(), command({ partitionkey: 'a' })];
      await queue.send(...next);
      await handled.count(next.length);
      await bench.settled(member, { kind: 'queue', context: CONTEXT });
      assert.deepEqual(ids(handled.items), ids(next));
    },
  ),
];
