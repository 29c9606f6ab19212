import assert from 'node:assert/strict';
import type { CloudEvent } from '@waggle/kernel';
import type { Messaging } from '@waggle/messaging';
import type { Bench, Handled } from './bench.ts';
import { bothOrderings, contractCase } from './case.ts';
import { eventsOf, gate } from './collector.ts';
import type { Collector } from './collector.ts';
import { assertNoAttemptLost } from './expectations.ts';
import { event, events, EVENT_TYPE, ids, OTHER_GROUP } from './messages.ts';

const OTHER_SOURCE = { kind: 'group', group: OTHER_GROUP } as const;

export const groupCases = [
  ...bothOrderings('D1', 'two groups both get every event, each once', async (bench, ordering) => {
    const member = await bench.open();
    const first = bench.collector<Handled>();
    const second = bench.collector<Handled>();
    await bench.subscribe(member, { ordering }, first);
    await bench.subscribe(member, { ordering, group: OTHER_GROUP }, second);
    const sent = events(20);
    await member.messaging.events.publish(...sent);
    await Promise.all([first.count(20), second.count(20)]);
    await Promise.all([bench.settled(member), bench.settled(member, OTHER_SOURCE)]);
    assert.deepEqual([ids(first.items), ids(second.items)], [ids(sent), ids(sent)]);
  }),

  contractCase(
    'D2',
    'three members of a group without order each take a share at the same time',
    async (bench) => {
      const members = await Promise.all([bench.open(), bench.open(), bench.open()]);
      const handled = bench.collector<Handled>();
      const allBusy = gate();
      const busy = async (): Promise<void> => {
        if (new Set(handled.items.map(({ member }) => member)).size === 3) allBusy.open();
        await allBusy.opened; // nobody is done before each of the three has one
      };
      bench.atEnd(async () => allBusy.open());
      await Promise.all(
        members.map((member, index) =>
          bench.subscribe(member, { ordering: 'none', concurrency: 1 }, handled, busy, `${index}`),
        ),
      );
      const sent = events(30);
      await members[0].messaging.events.publish(...sent);
      await handled.count(sent.length);
      await bench.settled(members[0]);
      assert.deepEqual(ids(handled.items), ids(sent));
    },
  ),

  contractCase(
    'D2',
    'two members of a group by key share the keys, and each event goes to one of them',
    async (bench) => {
      const [one, other] = await Promise.all([bench.open(), bench.open()]);
      const handled = bench.collector<Handled>();
      await bench.subscribe(one, {}, handled, undefined, 'one');
      await bench.subscribe(other, {}, handled, undefined, 'other');
      const sent: CloudEvent[] = [];
      const both = (): boolean => new Set(handled.items.map(({ member }) => member)).size === 2;
      // Shares may take a moment to settle, and what is in flight keeps them from changing hands: one wave at a time.
      const deadline = performance.now() + bench.deadlineMs;
      while (!both() && performance.now() < deadline) {
        const wave = events(16, (index) => ({ partitionkey: `key-${index}` }));
        sent.push(...wave);
        await one.messaging.events.publish(...wave);
        await handled.count(sent.length);
        await bench.settled(one);
      }
      assert.ok(both(), `one member took all of ${sent.length} events`);
      assert.deepEqual(ids(handled.items), ids(sent));
    },
  ),

  contractCase(
    'D3',
    'readers for themselves all get what is published while they are connected',
    async (bench) => {
      const publisher = await bench.open();
      const readers = [await listen(bench, publisher.messaging), await listen(bench, publisher.messaging)];
      const sent = events(10);
      await publisher.messaging.events.publish(...sent);
      for (const { heard, stop } of readers) {
        await heard.until((items) => wanted(items).length >= sent.length, '10 events');
        await stop();
        assert.deepEqual(ids(wanted(heard.items)), ids(sent));
      }
    },
  ),

  contractCase(
    'D3',
    'a reader for itself leaves nothing behind: what it was not there for it does not get',
    async (bench) => {
      const { messaging } = await bench.open();
      const first = await listen(bench, messaging);
      await first.stop();
      const missed = events(5);
      await messaging.events.publish(...missed);
      const second = await listen(bench, messaging);
      const sent = events(5);
      await messaging.events.publish(...sent);
      await second.heard.until((items) => wanted(items).length >= sent.length, '5 events');
      await second.stop();
      assert.deepEqual(ids(wanted(second.heard.items)), ids(sent));
      assert.deepEqual(wanted(first.heard.items), []);
    },
  ),

  ...bothOrderings('D4', 'a group gets what its wildcards ask for', async (bench, ordering) => {
    const member = await bench.open();
    const { messaging } = member;
    const asked = {
      all: ['*'],
      context: ['testing.*'],
      exact: [EVENT_TYPE],
      two: ['other.*', EVENT_TYPE],
    };
    const received = bench.collector<string>();
    for (const [name, types] of Object.entries(asked)) {
      const subscription = { group: `tester.${name}`, types, ordering };
      await messaging.events.subscribe(subscription, async ({ type }) => received.add(`${name}: ${type}`));
    }
    const types = [
      EVENT_TYPE,
      'testing.other-happened.v1',
      'other.thing-happened.v1',
      'testing-more.thing-happened.v1',
    ];
    await messaging.events.publish(...types.map((type) => event({ type, partitionkey: type })));
    const expected = [
      ...types.map((type) => `all: ${type}`),
      ...types.slice(0, 2).map((type) => `context: ${type}`),
      `exact: ${EVENT_TYPE}`,
      `two: ${EVENT_TYPE}`,
      'two: other.thing-happened.v1',
    ];
    await received.count(expected.length);
    for (const name of Object.keys(asked))
      await bench.settled(member, { kind: 'group', group: `tester.${name}` });
    assert.deepEqual(received.items.toSorted(), expected.toSorted());
  }),

  contractCase('D4', 'a reader gets what its wildcards ask for', async (bench) => {
    const { messaging } = await bench.open();
    const types = [EVENT_TYPE, 'other.thing-happened.v1', 'testing.other-happened.v1'];
    await messaging.events.publish(...types.map((type) => event({ type })));
    const read = async (...wildcards: string[]) =>
      eventsOf(messaging.events.read({ types: wildcards })).then((found) => found.map(({ type }) => type));
    assert.deepEqual((await read('*')).toSorted(), types.toSorted());
    assert.deepEqual((await read('testing.*')).toSorted(), ['testing.other-happened.v1', EVENT_TYPE]);
    assert.deepEqual(
      await read('other.*', EVENT_TYPE).then((found) => found.toSorted()),
      types.slice(0, 2).toReversed(),
    );
  }),

  ...bothOrderings(
    'D5',
    'what fails in one group is tried again in that group only',
    async (bench, ordering) => {
      const member = await bench.open();
      const failing = bench.collector<Handled>();
      const fine = bench.collector<Handled>();
      await bench.subscribe(member, { ordering }, failing, async (_, { attempt }) => {
        if (attempt < 3) throw new Error('not yet');
      });
      await bench.subscribe(member, { ordering, group: OTHER_GROUP }, fine);
      const sent = events(4);
      await member.messaging.events.publish(...sent);
      await failing.count(12);
      await Promise.all([bench.settled(member), bench.settled(member, OTHER_SOURCE)]);
      assert.deepEqual(ids(fine.items), ids(sent));
      assert.deepEqual(ids(failing.items), ids([...sent, ...sent, ...sent]));
    },
  ),

  ...bothOrderings('D6', 'when a member leaves, another goes on with everything', async (bench, ordering) => {
    const [leaving, staying] = await Promise.all([bench.open(), bench.open()]);
    const handled = bench.collector<Handled>();
    const busy = gate();
    bench.atEnd(async () => busy.open());
    const subscription = { ordering, concurrency: 2 };
    const consumer = await bench.subscribe(leaving, subscription, handled, () => busy.opened, 'leaving');
    const before = events(20);
    await staying.messaging.events.publish(...before);
    await handled.count(2);
    await bench.subscribe(staying, { ordering }, handled, undefined, 'staying');
    const draining = consumer.drain(bench.deadlineMs);
    busy.open();
    await draining;
    const goneAt = handled.items.length;
    const after = events(20);
    await staying.messaging.events.publish(...after);
    await handled.count(before.length + after.length);
    await bench.settled(staying);
    assert.deepEqual(ids(handled.items), ids([...before, ...after]));
    assert.ok(
      handled.items.slice(goneAt).every(({ member }) => member === 'staying'),
      'the one that left went on',
    );
    assertNoAttemptLost(bench.harness, handled.items);
  }),
];

const PROBE = 'testing.probe-sent.v1';

function wanted(heard: readonly CloudEvent[]): readonly CloudEvent[] {
  return heard.filter(({ type }) => type !== PROBE);
}

/** Starts to read what is new, and resolves when it is attached: when it has heard one of the probes. */
async function listen(
  bench: Bench,
  messaging: Messaging,
): Promise<{ heard: Collector<CloudEvent>; stop(): Promise<void> }> {
  const abort = new AbortController();
  const heard = bench.collector<CloudEvent>();
  const reading = (async () => {
    const stream = messaging.events.read({ from: 'new', follow: true, signal: abort.signal });
    for await (const recorded of stream) heard.add(recorded.event);
  })();
  reading.catch(() => undefined);
  bench.atEnd(async () => abort.abort());
  const probe = async (): Promise<number> => {
    await messaging.events.publish(event({ type: PROBE }));
    return heard.items.length;
  };
  const hearing = bench.eventually(probe, (count) => count > 0, 'the reader to hear a probe');
  await Promise.race([hearing, reading]);
  return {
    heard,
    async stop() {
      abort.abort();
      await bench.within(reading, 'the reader to end');
    },
  };
}
