import assert from 'node:assert/strict';
import type { CloudEvent, Recorded, StartPosition } from '@waggle/kernel';
import type { Bench, Handled, Member } from './bench.ts';
import { bothOrderings, contractCase } from './case.ts';
import { all } from './collector.ts';
import type { Collector } from './collector.ts';
import { event, events, ids } from './messages.ts';
import { assertAllInOrder, cursorOf, kept, publishingDuring } from './places.ts';

export const positionCases = [
  ...bothOrderings(
    'K1',
    'a group from the beginning gets everything that is kept, one at "new" nothing of it, one at a cursor what is behind it',
    async (bench, ordering) => {
      const member = await bench.open();
      const before = events(12);
      await member.messaging.events.publish(...before);
      const recorded = await kept(member);
      const fourth = recorded[3];
      assert.ok(fourth);
      const starts: Record<string, StartPosition> = {
        beginning: 'beginning',
        new: 'new',
        cursor: { after: fourth.cursor },
      };
      const after = events(4);
      const handled = new Map<string, Collector<Handled>>();
      for (const [name, from] of Object.entries(starts)) {
        const record = bench.collector<Handled>();
        handled.set(name, record);
        await bench.subscribe(member, { group: `tester.${name}`, from, ordering }, record);
      }
      await member.messaging.events.publish(...after);
      const expected: Record<string, readonly CloudEvent[]> = {
        beginning: [...before, ...after],
        new: after,
        cursor: [...recorded.slice(4).map((each) => each.event), ...after],
      };
      for (const [name, wanted] of Object.entries(expected)) {
        const record = handled.get(name);
        await record?.count(wanted.length);
        await bench.settled(member, { kind: 'group', group: `tester.${name}` });
        assert.deepEqual(ids(record?.items ?? []), ids(wanted), name);
      }
    },
  ),

  ...bothOrderings(
    'K1',
    'a group that begins at the last event gets the next one, and none twice',
    async (bench, ordering) => {
      const member = await bench.open();
      const last = event({ partitionkey: 'key' });
      await member.messaging.events.publish(event({ partitionkey: 'key' }), last);
      const handled = bench.collector<Handled>();
      const after = await cursorOf(member, last);
      await bench.subscribe(member, { from: { after }, ordering }, handled);
      const next = event({ partitionkey: 'key' });
      await member.messaging.events.publish(next);
      await handled.count(1);
      await bench.settled(member);
      assert.deepEqual(ids(handled.items), [next.id]);
    },
  ),

  ...bothOrderings(
    'K1',
    'nothing is missing, and nothing is out of order, where events are published while a group attaches in the past',
    async (bench, ordering) => {
      const [publisher, joining] = await Promise.all([bench.open(), bench.open()]);
      const first = events(40);
      await publisher.messaging.events.publish(...first);
      const cut = first[7];
      assert.ok(cut);
      const cursor = await cursorOf(publisher, cut);
      const expected = [...(await kept(publisher))].map((each) => each.event);
      const rest = expected.slice(expected.findIndex(({ id }) => id === cut.id) + 1);

      const whole = bench.collector<Handled>();
      const part = bench.collector<Handled>();
      const live = await publishingDuring(bench, publisher, async () => {
        await bench.subscribe(joining, { ordering, from: 'beginning', group: 'tester.whole' }, whole);
        await bench.subscribe(joining, { ordering, from: { after: cursor }, group: 'tester.part' }, part);
      });
      for (const [record, wanted] of [
        [whole, [...expected, ...live]],
        [part, [...rest, ...live]],
      ] as const) {
        await assertAllInOrder(record, wanted, ordering);
      }
    },
  ),

  contractCase(
    'K2',
    'a reader that does not follow gets what was there when it began, from where it wants, and ends',
    async (bench) => {
      const member = await bench.open();
      const { messaging } = member;
      assert.deepEqual(await all(messaging.events.read()), []);
      assert.deepEqual(await all(messaging.events.read({ from: 'new' })), []);
      const sent = events(10);
      await messaging.events.publish(...sent);
      const recorded = await kept(member);
      assert.deepEqual(ids(recorded.map((each) => each.event)), ids(sent));
      for (const [index, { cursor }] of recorded.entries()) {
        const behind = await bench.within(all(messaging.events.read({ from: { after: cursor } })), 'an end');
        assert.deepEqual(behind, recorded.slice(index + 1), `behind number ${index}`);
      }
      assert.deepEqual(await all(messaging.events.read({ from: 'new' })), []);
    },
  ),

  contractCase(
    'K2',
    'a reader that follows gets what is behind its place and then what is published, without a gap',
    async (bench) => {
      const [member, publisher] = await Promise.all([bench.open(), bench.open()]);
      const before = events(6);
      await publisher.messaging.events.publish(...before);
      const recorded = await kept(member);
      const second = recorded[1];
      assert.ok(second);
      const whole = await follow(bench, member, 'beginning');
      const part = await follow(bench, member, { after: second.cursor });
      const live: CloudEvent[] = [];
      for (let wave = 0; wave < 5; wave++) {
        const next = events(8);
        await publisher.messaging.events.publish(...next);
        live.push(...next);
      }
      const expected = [...recorded.map((each) => each.event), ...live];
      await whole.count(expected.length);
      await part.count(expected.length - 2);
      const order = (await kept(member)).map((each) => each.event.id);
      assert.deepEqual(
        whole.items.map((each) => each.event.id),
        order,
      );
      assert.deepEqual(
        part.items.map((each) => each.event.id),
        order.slice(2),
      );
      assert.deepEqual(order.toSorted(), ids(expected));
    },
  ),

  contractCase(
    'K2',
    'a reader of what is new begins when it is asked for the first event, and its cursors lead on',
    async (bench) => {
      const member = await bench.open();
      const { messaging } = member;
      await messaging.events.publish(...events(3));
      const abort = new AbortController();
      bench.atEnd(async () => abort.abort());
      const reading = messaging.events
        .read({ from: 'new', follow: true, signal: abort.signal })
        [Symbol.asyncIterator]();
      const first = reading.next();
      first.catch(() => undefined); // it is waited for below
      const sent = [event(), event(), event()];
      for (const each of sent) await messaging.events.publish(each);
      const got = await bench.within(first, 'the first event');
      assert.equal(got.value?.event.id, sent[0]?.id);
      abort.abort();
      const from = { after: (got.value as Recorded).cursor };
      const rest = await bench.within(all(messaging.events.read({ from })), 'the rest');
      assert.deepEqual(
        rest.map((each) => each.event.id),
        sent.slice(1).map(({ id }) => id),
      );
    },
  ),

  contractCase(
    'K2',
    'a reader of what is new that began before there was anything gets the first event',
    async (bench) => {
      const { messaging } = await bench.open();
      const abort = new AbortController();
      bench.atEnd(async () => abort.abort());
      const reading = messaging.events.read({ from: 'new', follow: true, signal: abort.signal });
      const first = reading[Symbol.asyncIterator]().next();
      first.catch(() => undefined); // it is waited for below
      const sent = event();
      await messaging.events.publish(sent);
      assert.equal((await bench.within(first, 'the first event')).value?.event.id, sent.id);
    },
  ),
];

/** Reads on until the test ends. */
async function follow(
  bench: Bench,
  { messaging }: Member,
  from: StartPosition,
): Promise<Collector<Recorded>> {
  const abort = new AbortController();
  const read = bench.collector<Recorded>();
  const reading = (async () => {
    for await (const each of messaging.events.read({ from, follow: true, signal: abort.signal }))
      read.add(each);
  })();
  reading.catch(() => undefined);
  bench.atEnd(async () => abort.abort());
  return read;
}
