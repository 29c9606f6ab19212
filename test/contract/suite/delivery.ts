import assert from 'node:assert/strict';
import type { CloudEvent } from '@waggle/kernel';
import { bothOrderings, contractCase } from './case.ts';
import { eventsOf } from './collector.ts';
import { Bench } from './bench.ts';
import type { Handled } from './bench.ts';
import {
  command,
  COMMAND_TYPE,
  CONTEXT,
  event,
  events,
  EVENT_TYPE,
  GROUP,
  ids,
  OTHER_GROUP,
} from './messages.ts';

export const deliveryCases = [
  ...bothOrderings(
    'B1',
    'a group from the beginning gets what was published before it and after it',
    async (bench, ordering) => {
      const member = await bench.open();
      const before = events(10);
      await member.messaging.events.publish(...before);
      const handled = bench.collector<Handled>();
      await bench.subscribe(member, { ordering, from: 'beginning' }, handled);
      const after = events(10);
      await member.messaging.events.publish(...after);
      await handled.count(20);
      await bench.settled(member);
      assert.deepEqual(ids(handled.items), ids([...before, ...after]));
    },
  ),

  ...bothOrderings(
    'B1',
    'a new group gets what is published after it, and only that',
    async (bench, ordering) => {
      const member = await bench.open();
      await member.messaging.events.publish(...events(10));
      const handled = bench.collector<Handled>();
      await bench.subscribe(member, { ordering }, handled);
      const after = events(10);
      await member.messaging.events.publish(...after);
      await handled.count(after.length);
      await bench.settled(member);
      assert.deepEqual(ids(handled.items), ids(after));
    },
  ),

  ...bothOrderings(
    'B2',
    'events arrive as they were published, every attribute and all data',
    async (bench, ordering) => {
      const { messaging } = await bench.open();
      const sent = [
        ...events(8),
        ...[
          null,
          true,
          0,
          -1.5,
          9_007_199_254_740_991,
          '',
          'snow \u2603 \u{1f41d} \u0000',
          [],
          [1, [2]],
          { a: { b: [null] } },
        ].map((data) => event({ data })),
        event({
          source: 'https://example.org/a?b=c#d',
          subject: 'order/1 \u00e9',
          datacontenttype: 'application/json',
          dataschema: 'https://example.org/schema',
          partitionkey: 'key \u2603',
          correlationid: 'corr',
          causationid: 'cause',
          tracestate: 'vendor=1',
          extensions: { word: 'text', count: 7, flag: false, empty: '' },
        }),
      ];
      const received = bench.collector<CloudEvent>();
      const subscription = { group: GROUP, types: [EVENT_TYPE], ordering };
      await messaging.events.subscribe(subscription, async (message) => received.add(message));
      await messaging.events.publish(...sent);
      await received.count(sent.length);
      const byId = new Map(received.items.map((message) => [message.id, message]));
      for (const message of sent) assert.deepEqual(byId.get(message.id), message);
      assert.equal(byId.size, sent.length);
      const read = await eventsOf(messaging.events.read());
      assert.deepEqual(read.toSorted(compare), sent.toSorted(compare));
    },
  ),

  contractCase('B2', 'what a handler does to its message reaches nobody else', async (bench) => {
    const { messaging } = await bench.open();
    const received = bench.collector<unknown>();
    for (const group of [GROUP, OTHER_GROUP]) {
      await messaging.events.subscribe({ group, types: [EVENT_TYPE], ordering: 'none' }, async (message) => {
        const data = message.data as { list: number[] };
        received.add(structuredClone(data));
        data.list.push(2);
      });
    }
    const list = [1];
    const publishing = messaging.events.publish(event({ data: { list } }));
    list.push(3);
    await publishing;
    await received.count(2);
    assert.deepEqual(received.items, [{ list: [1] }, { list: [1] }]);
  }),

  ...bothOrderings(
    'B3',
    'a group gets the types that it asked for and no others',
    async (bench, ordering) => {
      const member = await bench.open();
      const handled = bench.collector<Handled>();
      await bench.subscribe(member, { ordering }, handled);
      const others = [
        'testing.thing-happened.v2',
        'testing.thing-happened-again.v1',
        'testing-more.thing-happened.v1',
      ];
      const wanted = events(4);
      const unwanted = others.flatMap((type) => events(4, () => ({ type })));
      await member.messaging.events.publish(...unwanted, ...wanted);
      await handled.count(wanted.length);
      await bench.settled(member);
      assert.deepEqual(ids(handled.items), ids(wanted));
    },
  ),

  contractCase('B3', 'namespaces on one broker know nothing of each other', async (bench) => {
    const other = new Bench(bench.harness);
    bench.atEnd(() => other.clear());
    const [here, there] = await Promise.all([bench.open(), other.open()]);
    const handledHere = bench.collector<Handled>();
    const handledThere = bench.collector<Handled>();
    await bench.subscribe(here, { ordering: 'none' }, handledHere);
    await bench.subscribe(there, { ordering: 'none' }, handledThere);
    const [mine, theirs] = [events(4), events(4)];
    await Promise.all([here.messaging.events.publish(...mine), there.messaging.events.publish(...theirs)]);
    await Promise.all([handledHere.count(4), handledThere.count(4)]);
    await Promise.all([bench.settled(here), bench.settled(there)]);
    assert.deepEqual([ids(handledHere.items), ids(handledThere.items)], [ids(mine), ids(theirs)]);
  }),

  contractCase('B3', 'a queue gets the commands of its context, and no events', async (bench) => {
    const member = await bench.open();
    const { messaging } = member;
    const received = bench.collector<CloudEvent>();
    await messaging.queue.declare('other');
    await messaging.queue.receive({ context: CONTEXT }, async (message) => received.add(message));
    await messaging.events.publish(event(), event({ type: COMMAND_TYPE }));
    await messaging.queue.send(command({ type: 'other.do-thing.v1' }));
    const sent = [command(), command({ partitionkey: 'a' })];
    await messaging.queue.send(...sent);
    await received.count(sent.length);
    await bench.settled(member, { kind: 'queue', context: CONTEXT });
    assert.deepEqual(ids(received.items), ids(sent));
  }),

  contractCase('B4', 'twenty types at once each reach the group that asked for them', async (bench) => {
    const { messaging } = await bench.open();
    const types = Array.from({ length: 20 }, (_, index) => `testing.thing-${index}-happened.v1`);
    const received = bench.collector<string>();
    await Promise.all(
      types.map((type, index) =>
        messaging.events.subscribe(
          { group: `tester.group-${index}`, types: [type], ordering: 'none' },
          async (message) => received.add(`${type} got ${message.type}`),
        ),
      ),
    );
    await Promise.all(types.map((type) => messaging.events.publish(event({ type }), event({ type }))));
    await received.count(40);
    assert.deepEqual(
      received.items.toSorted(),
      types.flatMap((type) => Array(2).fill(`${type} got ${type}`)).toSorted(),
    );
  }),

  contractCase(
    'B6',
    'a declared queue keeps the commands that were sent before its receiver first ran',
    async (bench) => {
      const sender = await bench.open();
      await sender.messaging.queue.declare(CONTEXT);
      await sender.messaging.queue.declare(CONTEXT);
      const sent = [command(), command({ partitionkey: 'a' }), command({ partitionkey: 'b' })];
      await sender.messaging.queue.send(...sent);
      await sender.messaging.close();
      const { messaging } = await bench.open();
      const received = bench.collector<CloudEvent>();
      await messaging.queue.receive({ context: CONTEXT }, async (message) => received.add(message));
      await received.count(sent.length);
      assert.deepEqual(ids(received.items), ids(sent));
    },
  ),

  ...bothOrderings(
    'B6',
    'a declared group gets the events that were published before it first attached',
    async (bench, ordering) => {
      const sender = await bench.open();
      await sender.driver.declare({ groups: [{ group: GROUP, types: [EVENT_TYPE], from: 'new', ordering }] });
      const sent = events(10);
      await sender.messaging.events.publish(...sent);
      await sender.messaging.close();
      const member = await bench.open();
      const handled = bench.collector<Handled>();
      await bench.subscribe(member, { ordering }, handled);
      await handled.count(sent.length);
      assert.deepEqual(ids(handled.items), ids(sent));
    },
  ),
];

const compare = (one: CloudEvent, other: CloudEvent): number => one.id.localeCompare(other.id);
