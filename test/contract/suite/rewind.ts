import assert from 'node:assert/strict';
import { Reject } from '@waggle/kernel';
import type { CloudEvent, StartPosition } from '@waggle/kernel';
import type { Handled } from './bench.ts';
import { bothOrderings, contractCase } from './case.ts';
import { gate } from './collector.ts';
import { rejection } from './expectations.ts';
import { hook } from './harness.ts';
import { event, events, GROUP, ids } from './messages.ts';
import { assertAllInOrder, cursorPastTheHead, idle, kept, openBrief, publishingDuring } from './places.ts';

export const rewindCases = [
  ...bothOrderings(
    'K3',
    'a group that comes back goes on where it left, wherever it says that it would begin',
    async (bench, ordering) => {
      const publisher = await bench.open();
      const sent: CloudEvent[] = [];
      const publish = async (): Promise<void> => {
        const next = events(10);
        await publisher.messaging.events.publish(...next);
        sent.push(...next);
      };
      const handled = bench.collector<Handled>();
      for (const from of ['beginning', 'new', 'beginning'] as const) {
        await publish();
        const { messaging, driver } = await bench.open();
        const consumer = await bench.subscribe({ messaging, driver }, { ordering, from }, handled);
        await publish();
        await handled.count(sent.length);
        await bench.settled(publisher);
        await consumer.drain(bench.deadlineMs);
        await messaging.close();
      }
      assert.deepEqual(ids(handled.items), ids(sent));
    },
  ),

  contractCase('K3', 'a group keeps its place while the server restarts', async (bench) => {
    const server = await hook(bench.harness, 'privateServer')();
    bench.atEnd(() => server.close());
    const member = await bench.open({ from: server });
    const handled = bench.collector<Handled>();
    const consumer = await bench.subscribe(member, { from: 'beginning' }, handled);
    const [done, waiting] = [events(8), events(8)];
    await member.messaging.events.publish(...done);
    await handled.count(done.length);
    await bench.settled(member);
    await consumer.drain(bench.deadlineMs);
    await member.messaging.events.publish(...waiting);
    await member.messaging.close();
    await server.restart();

    const back = bench.member({ from: server });
    await back.messaging.open({ waitMs: bench.deadlineMs });
    await bench.subscribe(back, { from: 'beginning' }, handled);
    const all = done.length + waiting.length;
    await handled.until((items) => new Set(ids(items)).size === all, `${all} events`);
    await bench.settled(back);
    assert.deepEqual([...new Set(ids(handled.items))], ids([...done, ...waiting]));
    // What was settled a moment before may come again; a place that is lost begins anew with all of it.
    assert.ok(handled.items.length < 2 * done.length + waiting.length, 'all that was done came again');
  }),

  ...bothOrderings(
    'K4',
    'a group that is reset begins again at the beginning, at a cursor, or at what is new',
    async (bench, ordering) => {
      const [operator, publisher] = await Promise.all([openBrief(bench), bench.open()]);
      const sent = events(12);
      await publisher.messaging.events.publish(...sent);
      const recorded = await kept(publisher);
      const fifth = recorded[4];
      assert.ok(fifth);
      const all = recorded.map((each) => each.event);

      const member = await openBrief(bench);
      const first = bench.collector<Handled>();
      const consumer = await bench.subscribe(member, { ordering, from: 'beginning' }, first);
      await first.count(all.length);
      await bench.settled(member);
      await consumer.drain(bench.deadlineMs);

      /** Each with what is skipped of all that there is. */
      const starts: readonly (readonly [StartPosition, number])[] = [
        ['beginning', 0],
        [{ after: fifth.cursor }, 5],
        ['new', Infinity],
      ];
      for (const [from, skipped] of starts) {
        await idle(bench, operator);
        await operator.messaging.groups.reset(GROUP, from);
        // This process was here before, and must not go on where it was.
        const handled = bench.collector<Handled>();
        const again = await bench.subscribe(member, { ordering, from: 'new' }, handled);
        const next = event({ partitionkey: 'key-1' });
        await publisher.messaging.events.publish(next);
        const expected = [...all.slice(skipped), next];
        all.push(next);
        await handled.count(expected.length);
        await bench.settled(publisher);
        await again.drain(bench.deadlineMs);
        assert.deepEqual(ids(handled.items), ids(expected), JSON.stringify(from));
      }
    },
  ),

  ...bothOrderings(
    'K4',
    'nothing is missing, and nothing is out of order, where events are published while a group is reset',
    async (bench, ordering) => {
      const [operator, publisher, member] = await Promise.all([
        openBrief(bench),
        bench.open(),
        openBrief(bench),
      ]);
      const before = events(24);
      await publisher.messaging.events.publish(...before);
      const first = bench.collector<Handled>();
      const consumer = await bench.subscribe(member, { ordering, from: 'beginning' }, first);
      await first.count(before.length);
      await bench.settled(member);
      await consumer.drain(bench.deadlineMs);
      await idle(bench, operator);
      const again = bench.collector<Handled>();
      const live = await publishingDuring(bench, publisher, async () => {
        await operator.messaging.groups.reset(GROUP, 'beginning');
        await bench.subscribe(member, { ordering }, again);
      });
      await assertAllInOrder(again, [...before, ...live], ordering);
    },
  ),

  ...bothOrderings(
    'K4',
    'a group that is in use cannot be reset or deleted, and goes on unharmed',
    async (bench, ordering) => {
      const [operator, member] = await Promise.all([openBrief(bench), openBrief(bench)]);
      const { groups, events: stream } = operator.messaging;
      const handled = bench.collector<Handled>();
      const busy = gate();
      bench.atEnd(async () => busy.open());
      await bench.subscribe(member, { ordering, from: 'beginning' }, handled, () => busy.opened);
      const refused = async (): Promise<void> => {
        await rejection(groups.reset(GROUP, 'beginning'), 'conflict');
        await rejection(groups.delete({ kind: 'group', name: GROUP }), 'conflict');
      };
      await refused(); // nothing to do
      const sent = events(12);
      await stream.publish(...sent);
      await handled.count(1);
      await refused(); // and at work
      busy.open();
      await handled.count(sent.length);
      await bench.settled(member);
      const next = event();
      await stream.publish(next);
      await handled.count(sent.length + 1);
      await bench.settled(member);
      assert.deepEqual(ids(handled.items), ids([...sent, next]));
    },
  ),

  contractCase(
    'K4',
    'what cannot be reset says why, and nothing is removed before that is known',
    async (bench) => {
      const [operator, member] = await Promise.all([openBrief(bench), openBrief(bench)]);
      const { groups, events: stream } = operator.messaging;
      await rejection(groups.reset(GROUP, 'beginning'), 'unroutable');
      const handled = bench.collector<Handled>();
      const consumer = await bench.subscribe(member, { from: 'beginning' }, handled);
      const [done, waiting] = [events(4), events(4)];
      await stream.publish(...done);
      await handled.count(done.length);
      await bench.settled(member);
      await consumer.drain(bench.deadlineMs);
      await stream.publish(...waiting);
      await idle(bench, operator);
      await rejection(groups.reset('tester.nobody', 'new'), 'unroutable');
      const cursor = await cursorPastTheHead(bench);
      await rejection(groups.reset(GROUP, { after: cursor }), 'out-of-range');
      await bench.subscribe(member, { from: 'new' }, handled);
      await handled.count(done.length + waiting.length);
      await bench.settled(member);
      assert.deepEqual(ids(handled.items), ids([...done, ...waiting]));
    },
  ),

  ...bothOrderings(
    'K4',
    'what was redriven to a group is forgotten when it is reset',
    async (bench, ordering) => {
      const [operator, member] = await Promise.all([openBrief(bench), openBrief(bench)]);
      const { groups, events: stream, deadLetters } = operator.messaging;
      const first = bench.collector<Handled>();
      const consumer = await bench.subscribe(member, { ordering, from: 'beginning' }, first, async () => {
        throw new Reject('not yet');
      });
      const sent = [event({ partitionkey: 'a' }), event()];
      await stream.publish(...sent);
      await bench.deadLetters(operator, sent.length);
      await bench.settled(member);
      await consumer.drain(bench.deadlineMs);
      await deadLetters.redrive({ consumer: GROUP });
      await bench.lagOf(operator, sent.length);
      await idle(bench, operator);
      await groups.reset(GROUP, 'new');
      await bench.settled(operator);
      await groups.reset(GROUP, 'beginning');
      const again = bench.collector<Handled>();
      await bench.subscribe(member, { ordering }, again);
      await again.count(sent.length);
      await bench.settled(member);
      assert.deepEqual(ids(again.items), ids(sent));
    },
  ),
];
