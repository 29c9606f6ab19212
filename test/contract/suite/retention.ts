import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { CloudEvent, Observation, Recorded } from '@waggle/kernel';
import type { Bench, Handled, Member } from './bench.ts';
import { bothOrderings, contractCase } from './case.ts';
import { gate } from './collector.ts';
import type { Collector } from './collector.ts';
import { rejection } from './expectations.ts';
import { command, CONTEXT, event, EVENT_TYPE, events, GROUP, ids } from './messages.ts';
import {
  cursorOf,
  cursorPastTheHead,
  DISCARDED,
  heavy,
  isGone,
  kept,
  LITTLE,
  openBrief,
  overflow,
} from './places.ts';

/** More than three times what `LITTLE` keeps. */
const FLOOD = { count: 50, bytes: 20_000 } as const;

export const retentionCases = [
  contractCase(
    'K5',
    'a cursor that is no longer kept is "out-of-range", for a reader and for a group',
    async (bench) => {
      const member = await bench.open({ settings: { retention: LITTLE } });
      const { messaging } = member;
      const first = event();
      await messaging.events.publish(first);
      const cursor = await cursorOf(member, first);
      assert.equal(await isGone(member, cursor), false);
      await overflow(bench, member, cursor);
      await assertOutOfRange(bench, member, { after: cursor });
      assert.ok((await kept(member)).length > 0);
    },
  ),

  contractCase(
    'K5',
    'a cursor past the head is "out-of-range", for a reader and for a group',
    async (bench) => {
      const member = await bench.open();
      await member.messaging.events.publish(event());
      await assertOutOfRange(bench, member, { after: await cursorPastTheHead(bench) });
    },
  ),

  contractCase(
    'K5',
    'a reader that the retention overtakes is told so, and misses nothing silently',
    async (bench) => {
      const [member, publisher] = await Promise.all([
        bench.open({ settings: { retention: LITTLE } }),
        bench.open({ settings: { retention: LITTLE } }),
      ]);
      const sent = heavy(1, 4_000).concat(heavy(399, 4_000));
      const [first, ...rest] = sent;
      assert.ok(first);
      await publisher.messaging.events.publish(first);
      const abort = new AbortController();
      bench.atEnd(async () => abort.abort());
      const reading = member.messaging.events
        .read({ follow: true, signal: abort.signal })
        [Symbol.asyncIterator]();
      const got = [(await bench.within(reading.next(), 'the first event')).value as Recorded];
      // One call, so that the order is known; no reader takes meanwhile.
      const byKey = rest.map((each) => ({ ...each, partitionkey: 'one' }));
      await publisher.messaging.events.publish(...byKey);
      const readOn = async (): Promise<void> => {
        while (got.length < sent.length) got.push((await reading.next()).value as Recorded);
      };
      await rejection(bench.within(readOn(), 'the reader to notice'), 'out-of-range');
      const read = got.map((each) => each.event.id);
      const expected = sent.slice(0, read.length).map(({ id }) => id);
      assert.deepEqual(read, expected, 'what came before the error has no gap');
    },
  ),

  contractCase('K6', 'the stream keeps about as many bytes as it is told, the newest', async (bench) => {
    const member = await bench.open({ settings: { retention: LITTLE } });
    const { messaging } = member;
    const sent = heavy(FLOOD.count, FLOOD.bytes).map((each) => ({ ...each, partitionkey: 'one' }));
    await messaging.events.publish(...sent);
    const most = LITTLE.maxBytes * 1.5;
    const left = await bench.eventually(
      () => kept(member),
      (found) => found.length * FLOOD.bytes <= most,
      `at most ${most} bytes`,
    );
    assert.ok(left.length * FLOOD.bytes >= LITTLE.maxBytes / 2, `only ${left.length} are kept`);
    const newest = sent.slice(-left.length).map(({ id }) => id);
    assert.deepEqual(
      left.map((each) => each.event.id),
      newest,
    );
  }),

  contractCase('K6', 'the stream keeps nothing for longer than it is told, to a segment', async (bench) => {
    const retention = { maxAgeMs: 1_000, maxBytes: 2 * 1_048_576 };
    const member = await bench.open({ settings: { retention } });
    const { messaging } = member;
    const old = heavy(5, 20_000);
    await messaging.events.publish(...old);
    await delay(retention.maxAgeMs + 100); // the passing of this very time is what is tested
    const young: CloudEvent[] = [];
    // A segment ends when it is full: what comes fills it, and is far from the limit in bytes.
    const oldest = async (): Promise<string | undefined> => {
      const next = heavy(5, 20_000);
      young.push(...next);
      await messaging.events.publish(...next);
      assert.ok(young.length < 75, 'still kept after 1.5 MB: a segment is at most a quarter of 2 MB');
      const [first] = await kept(member);
      return first?.event.id;
    };
    const isOld = (id: string | undefined): boolean => old.some((each) => each.id === id);
    await bench.eventually(oldest, (id) => !isOld(id), 'the old ones to go');
    const next = event();
    await messaging.events.publish(next);
    assert.equal((await kept(member)).at(-1)?.event.id, next.id);
  }),

  contractCase('K6', 'a queue keeps what is not done, whatever the retention', async (bench) => {
    const member = await bench.open({ settings: { retention: { ...LITTLE, maxAgeMs: 1_000 } } });
    const { queue } = member.messaging;
    await queue.declare(CONTEXT);
    const filler = 'x'.repeat(FLOOD.bytes);
    const sent = Array.from({ length: FLOOD.count }, () => command({ data: { filler } }));
    await queue.send(...sent);
    await delay(1_100); // the passing of this very time is what is tested
    const handled = bench.collector<{ readonly id: string }>();
    await queue.receive({ context: CONTEXT }, async ({ id }) => handled.add({ id }));
    await handled.count(sent.length);
    await bench.settled(member, { kind: 'queue', context: CONTEXT });
    assert.deepEqual(ids(handled.items), ids(sent));
  }),

  ...bothOrderings(
    'K7',
    'a group that is slower than the retention is told how much it skipped',
    async (bench, ordering) => {
      const { member, missed } = await counting(bench);
      const handled = bench.collector<Handled>();
      const busy = gate();
      bench.atEnd(async () => busy.open());
      await bench.subscribe(member, { ordering, concurrency: 1 }, handled, () => busy.opened);
      const first = event({ partitionkey: 'key-0' });
      await member.messaging.events.publish(first);
      await handled.count(1);
      const cursor = await cursorOf(member, first);
      const sent = [first];
      while (sent.length <= FLOOD.count) {
        const next = heavy(5, FLOOD.bytes);
        await member.messaging.events.publish(...next);
        sent.push(...next);
        await delay(5); // who takes more than it has a place for has the time to do so
      }
      await bench.eventually(() => isGone(member, cursor), Boolean, DISCARDED);
      busy.open();
      await assertAllAccountedFor(bench, member, { sent, handled, missed });
      if (bench.harness.declares['keeps-for-groups'] === undefined) {
        assert.ok(handled.items.length < sent.length, 'nothing was skipped');
      } else {
        // With the one that was published at the end.
        assert.equal(handled.items.length, sent.length + 1, 'its queues keep what it has not handled');
        assert.deepEqual(missed(), 0);
      }
    },
  ),

  ...bothOrderings(
    'K7',
    'a group that began in the past and was away for longer than the retention is told when it comes back',
    async (bench, ordering) => {
      const { member, missed } = await counting(bench);
      const handled = bench.collector<Handled>();
      const first = event({ partitionkey: 'key-0' });
      await member.messaging.events.publish(first);
      const cursor = await cursorOf(member, first);
      const subscription = { ordering, from: 'beginning' } as const;
      const consumer = await bench.subscribe(member, subscription, handled);
      await handled.count(1);
      await bench.settled(member);
      await consumer.drain(bench.deadlineMs);
      const sent = [first, ...heavy(FLOOD.count, FLOOD.bytes)];
      await member.messaging.events.publish(...sent.slice(1));
      await bench.eventually(() => isGone(member, cursor), Boolean, DISCARDED);
      await bench.subscribe(member, subscription, handled);
      await assertAllAccountedFor(bench, member, { sent, handled, missed });
    },
  ),

  ...bothOrderings(
    'K7',
    'a group that keeps up is told nothing, however much is discarded behind it',
    async (bench, ordering) => {
      const { member, missed } = await counting(bench);
      const handled = bench.collector<Handled>();
      await bench.subscribe(member, { ordering, from: 'beginning' }, handled);
      const first = event();
      await member.messaging.events.publish(first);
      const cursor = await cursorOf(member, first);
      let sent = 1;
      const wave = async (): Promise<boolean> => {
        const next = heavy(8, 4_000);
        await member.messaging.events.publish(...next);
        await handled.count((sent += next.length));
        await bench.settled(member);
        return isGone(member, cursor);
      };
      await bench.eventually(wave, Boolean, DISCARDED);
      const last = events(8);
      await member.messaging.events.publish(...last);
      await handled.count(sent + last.length);
      await bench.settled(member);
      assert.equal(missed(), 0);
    },
  ),
];

async function assertOutOfRange(
  bench: Bench,
  { messaging }: Member,
  from: { readonly after: Recorded['cursor'] },
): Promise<void> {
  for (const follow of [false, true]) {
    const reading = messaging.events.read({ from, follow })[Symbol.asyncIterator]();
    await rejection(bench.within(reading.next(), 'a refusal'), 'out-of-range');
  }
  const subscription = { group: GROUP, types: [EVENT_TYPE], from };
  await rejection(
    messaging.events.subscribe(subscription, async () => undefined),
    'out-of-range',
  );
  const groups = await messaging.groups.list();
  assert.deepEqual(groups, [], 'it left a group behind');
}

/** A member of a namespace that keeps little, and what its groups were told that they missed. */
async function counting(bench: Bench) {
  const observed: Observation[] = [];
  const member = await openBrief(bench, {
    settings: { retention: LITTLE },
    messaging: { observer: (observation) => void observed.push(observation) },
  });
  const missed = (): number => {
    const told = observed.filter(({ what }) => what === 'missed');
    for (const { consumer, count } of told) assert.deepEqual([consumer, typeof count], [GROUP, 'number']);
    return told.reduce((sum, { count = 0 }) => sum + count, 0);
  };
  return { member, missed };
}

/** Every event was handled or is among those that the group was told of, and no more than there were. */
async function assertAllAccountedFor(
  bench: Bench,
  member: Member,
  got: {
    readonly sent: readonly CloudEvent[];
    readonly handled: Collector<Handled>;
    readonly missed: () => number;
  },
): Promise<void> {
  const { sent, handled, missed } = got;
  await bench.settled(member);
  const last = event({ partitionkey: 'key-0' });
  await member.messaging.events.publish(last);
  await handled.until((items) => items.some(({ id }) => id === last.id), 'the last event');
  await bench.settled(member);
  const unique = new Set(ids(handled.items));
  const skipped = sent.filter(({ id }) => !unique.has(id)).length;
  await bench.eventually(
    async () => missed(),
    (count) => count >= skipped,
    `to be told of ${skipped} that were skipped`,
  );
  assert.ok(missed() <= sent.length, `told of ${missed()}, and there were ${sent.length}`);
  if (bench.harness.declares['missed-is-a-bound'] === undefined) assert.equal(missed(), skipped);
}
