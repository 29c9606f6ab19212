import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { Lane } from '@waggle/messaging';
import { LANES } from './bench.ts';
import type { Handled } from './bench.ts';
import { bothOrderings, contractCase } from './case.ts';
import type { Ordering } from './case.ts';
import { gate } from './collector.ts';
import { assertNoAttemptLost, confirmed } from './expectations.ts';
import { openLink } from './harness.ts';
import {
  command,
  CONTEXT,
  event,
  events,
  EVENT_TYPE,
  GROUP,
  ids,
  keysOfEveryLane,
  OTHER_GROUP,
  raw,
} from './messages.ts';

const FEW = 3;
const FLOOD = 24;
const BIG_BYTES = 100_000;
const SOURCE = { kind: 'group', group: GROUP } as const;
const OTHER_SOURCE = { kind: 'group', group: OTHER_GROUP } as const;

/** Without a key: there is no order. */
const keyless = (count: number) => Array.from({ length: count }, () => event());

/** As many as handle at a time, of each and in all. */
class Places {
  readonly #now = new Map<string, number>();
  readonly most = new Map<string, number>();

  change(place: string, by: number): void {
    const now = (this.#now.get(place) ?? 0) + by;
    this.#now.set(place, now);
    this.most.set(place, Math.max(now, this.most.get(place) ?? 0));
  }
}

/** Which places there are for a lane, by whom it is counted. */
const placeOf = (lane: Lane, ordering: Ordering): string => (ordering === 'none' ? 'all' : `${lane}`);

export const backpressureCases = [
  ...bothOrderings('G1', 'a driver hands over no more than there are places for', async (bench, ordering) => {
    const driver = await bench.openDriver();
    await driver.declare({ groups: [{ group: GROUP, types: [EVENT_TYPE], from: 'new', ordering }] });
    const places = new Places();
    const done = bench.collector<{ id: string }>();
    await driver.consume({ source: SOURCE, ordering, concurrency: FEW }, (delivery) => {
      const place = placeOf(delivery.lane, ordering);
      places.change(place, 1);
      void delay(2).then(() => {
        places.change(place, -1);
        if (delivery.attempt === 1 && done.items.length % 5 === 0) return delivery.retry(0);
        delivery.ack();
        done.add({ id: delivery.message.id ?? 'none' });
      });
    });
    const lanes: readonly Lane[] = [...Array(LANES).keys(), 'unordered', 'unordered', 'unordered'];
    const sent = Array.from({ length: 42 }, (_, index) => raw({ lane: lanes[index % lanes.length] ?? 0 }));
    await confirmed(driver, ...sent);
    await done.count(sent.length);
    for (const [place, most] of places.most) {
      const limit = place === 'all' || place === 'unordered' ? FEW : 1;
      assert.ok(most <= limit, `${most} of ${place} were unsettled at a time`);
    }
  }),

  contractCase(
    'G1',
    'no more handlers run at a time than the concurrency of their consumer',
    async (bench) => {
      const { messaging } = await bench.open();
      const places = new Places();
      const handled = bench.collector<string>();
      const handle = (place: string) => async (): Promise<void> => {
        places.change(place, 1);
        await delay(2);
        places.change(place, -1);
        handled.add(place);
      };
      for (const ordering of ['by-key', 'none'] as const) {
        const subscription = { group: `tester.${ordering}`, types: [EVENT_TYPE], ordering, concurrency: 2 };
        await messaging.events.subscribe(subscription, handle(ordering));
      }
      await messaging.queue.receive({ context: CONTEXT, concurrency: 2 }, handle('queue'));
      const commands = Array.from({ length: 24 }, (_, index) => command({ partitionkey: `key-${index}` }));
      await messaging.events.publish(...events(16), ...keyless(8));
      await messaging.queue.send(...commands);
      await handled.count(72);
      assert.deepEqual([...places.most].toSorted(), [
        ['by-key', 2],
        ['none', 2],
        ['queue', 2],
      ]);
    },
  ),

  contractCase('G2', 'as many handlers run at the same time as there are places for', async (bench) => {
    const { messaging } = await bench.open();
    const allBusy = gate();
    bench.atEnd(async () => allBusy.open());
    const started = bench.collector<string>();
    const busy = (where: string) => async (): Promise<void> => {
      started.add(where);
      await allBusy.opened; // nobody is done before everybody has begun
    };
    const loose = { group: OTHER_GROUP, types: [EVENT_TYPE], ordering: 'none', concurrency: 8 } as const;
    await messaging.events.subscribe(loose, busy('none'));
    await messaging.events.subscribe({ group: GROUP, types: [EVENT_TYPE] }, busy('by-key'));
    await messaging.queue.receive({ context: CONTEXT }, busy('queue'));
    const keyed = keysOfEveryLane(LANES).map((partitionkey) => event({ partitionkey }));
    await messaging.events.publish(...keyed, ...keyless(4));
    await messaging.queue.send(...keyed.map(({ partitionkey = '' }) => command({ partitionkey })));
    await started.count(8 + (LANES + 4) + LANES);
  }),

  ...bothOrderings(
    'G3',
    'a paused consumer finishes what it has, begins nothing, and goes on when it is resumed',
    async (bench, ordering) => {
      const member = await bench.open();
      const handled = bench.collector<Handled>();
      const busy = gate();
      bench.atEnd(async () => busy.open());
      const consumer = await bench.subscribe(
        member,
        { ordering, concurrency: 2 },
        handled,
        () => busy.opened,
      );
      const witness = bench.collector<Handled>();
      await bench.subscribe(member, { group: OTHER_GROUP }, witness);
      const sent = [...keysOfEveryLane(LANES).map((partitionkey) => event({ partitionkey }))];
      await member.messaging.events.publish(...sent);
      await handled.count(2);
      consumer.pause();
      busy.open();
      await bench.lagOf(member, sent.length - 2);
      const meanwhile = events(8);
      sent.push(...meanwhile);
      await member.messaging.events.publish(...meanwhile);
      await witness.count(sent.length);
      await bench.settled(member, OTHER_SOURCE);
      assert.equal(handled.items.length, 2, 'something began during the pause');
      await bench.lagOf(member, sent.length - 2);
      consumer.resume();
      await handled.count(sent.length);
      await bench.settled(member);
      assert.deepEqual(ids(handled.items), ids(sent));
      assertNoAttemptLost(bench.harness, handled.items);
    },
  ),

  ...bothOrderings(
    'G3',
    'while a consumer is paused another member has everything, also what the first had not begun',
    async (bench, ordering) => {
      const [pausing, going] = await Promise.all([bench.open(), bench.open()]);
      const handled = bench.collector<Handled>();
      const busy = gate();
      bench.atEnd(async () => busy.open());
      const subscription = { ordering, concurrency: 1 };
      const consumer = await bench.subscribe(pausing, subscription, handled, () => busy.opened, 'pausing');
      const sent = keysOfEveryLane(LANES).map((partitionkey) => event({ partitionkey }));
      await going.messaging.events.publish(...sent);
      await handled.count(1);
      consumer.pause();
      await bench.subscribe(going, { ordering }, handled, undefined, 'going');
      await handled.count(LANES);
      busy.open();
      const later = keysOfEveryLane(LANES).map((partitionkey) => event({ partitionkey }));
      await going.messaging.events.publish(...later);
      await handled.count(2 * LANES);
      await bench.settled(going);
      assert.deepEqual(ids(handled.items), ids([...sent, ...later]));
      assert.deepEqual(
        handled.items.map(({ member }) => member),
        ['pausing', ...Array(2 * LANES - 1).fill('going')],
      );
      assertNoAttemptLost(bench.harness, handled.items);
    },
  ),

  ...bothOrderings(
    'G4',
    'a flood stays on the broker: a process has only as much of it as it can begin',
    async (bench, ordering) => {
      const link = await openLink(bench);
      const member = await bench.open({ from: link });
      const flooder = await bench.open();
      const handled = bench.collector<Handled>();
      const busy = gate();
      bench.atEnd(async () => busy.open());
      await bench.subscribe(member, { ordering, concurrency: 2 }, handled, () => busy.opened);
      const before = link.received();
      const text = 'x'.repeat(BIG_BYTES);
      const sent = events(FLOOD, () => ({ data: { text } }));
      for (const each of sent) await flooder.messaging.events.publish(each);
      await handled.count(2);
      await bench.lagOf(member, FLOOD); // what was sent to it before the answer has come
      const places = ordering === 'none' ? 2 : LANES;
      const most = (places + 1) * BIG_BYTES;
      const received = link.received() - before;
      assert.ok(received < most, `received ${received} bytes of ${FLOOD * BIG_BYTES}, with ${places} places`);
      busy.open();
      await handled.count(FLOOD);
      assert.deepEqual(ids(handled.items), ids(sent));
    },
  ),

  ...bothOrderings(
    'G4',
    'a second member has at once what the first has no place for',
    async (bench, ordering) => {
      const settings = { leaseMs: 2 * bench.deadlineMs };
      const [first, second] = await Promise.all([bench.open({ settings }), bench.open({ settings })]);
      const busy = gate();
      bench.atEnd(async () => busy.open());
      const started = bench.collector<Handled>();
      const subscription = { ordering, concurrency: 2 };
      await bench.subscribe(first, subscription, started, () => busy.opened, 'first');
      const before = keyless(8);
      await second.messaging.events.publish(...before);
      await started.count(2);
      const handled = bench.collector<Handled>();
      await bench.subscribe(second, subscription, handled, undefined, 'second');
      await handled.count(before.length - 2);
      const after = keyless(8);
      await first.messaging.events.publish(...after);
      await handled.count(before.length + after.length - 2);
      busy.open();
      await bench.settled(second);
      assert.equal(started.items.length, 2);
      assert.deepEqual(ids([...started.items, ...handled.items]), ids([...before, ...after]));
    },
  ),
];
