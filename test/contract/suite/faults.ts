import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { CloudEvent } from '@waggle/kernel';
import type { Delivery } from '@waggle/messaging';
import { bothOrderings, contractCase } from './case.ts';
import { LANES } from './bench.ts';
import type { Bench, Handled } from './bench.ts';
import { eventsOf, gate } from './collector.ts';
import type { Collector } from './collector.ts';
import { confirmed, rejection } from './expectations.ts';
import { hook, openLink } from './harness.ts';
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
import { firstHandlings, insist, startTraffic } from './traffic.ts';

const KEYS = ['a', 'b', 'c', 'd', 'e', 'f'];

export const faultCases = [
  contractCase(
    'H2',
    'a broker that is restarted twice under traffic loses nothing, and keys keep their order',
    async (bench) => {
      const server = await hook(bench.harness, 'privateServer')();
      bench.atEnd(() => server.close());
      const options = { from: server, settings: quickLease(bench) };
      const [publisher, ...members] = [
        await bench.open(options),
        await bench.open(options),
        await bench.open(options),
      ];
      const ordered = bench.collector<Handled>();
      const loose = bench.collector<Handled>();
      const obeyed = bench.collector<{ id: string }>();
      for (const member of members) {
        await bench.subscribe(member, {}, ordered);
        await bench.subscribe(member, { group: OTHER_GROUP, ordering: 'none' }, loose);
        await member.messaging.queue.receive({ context: CONTEXT }, async ({ id }) => obeyed.add({ id }));
      }
      const traffic = startTraffic(bench, publisher, KEYS);
      for (let round = 0; round < 2; round++) {
        await traffic.more(5);
        await server.restart();
      }
      await traffic.more(5);
      await traffic.stop();
      await all(ordered, traffic.events);
      await all(loose, traffic.events);
      await all(obeyed, traffic.commands);
      const asPublished = (sent: readonly CloudEvent[]) => firstHandlings(sent, sent);
      assert.deepEqual(firstHandlings(ordered.items, traffic.events), asPublished(traffic.events));
      assert.deepEqual(firstHandlings(obeyed.items, traffic.commands), asPublished(traffic.commands));
    },
  ),

  ...bothOrderings(
    'H3',
    'a process whose channels alone were closed handles and publishes on, on the same connection',
    async (bench, ordering) => {
      const link = await openLink(bench);
      const member = await bench.open({ from: link, settings: quickLease(bench) });
      const { messaging, driver } = member;
      const handled = bench.collector<Handled>();
      const busy = gate();
      bench.atEnd(async () => busy.open());
      const slow = event({ partitionkey: 'b' });
      await bench.subscribe(member, { ordering }, handled, ({ id }) =>
        id === slow.id ? busy.opened : Promise.resolve(),
      );
      await messaging.queue.receive({ context: CONTEXT }, async ({ id }, { attempt }) =>
        handled.add({ id, attempt, member: 'receiver' }),
      );
      await messaging.events.publish(slow);
      await handled.count(1);
      for (let round = 0; round < 3; round++) {
        await link.closeChannels();
        busy.open();
        const sent = [...events(8), command({ partitionkey: 'a' })];
        for (const each of sent) {
          await insist(bench, () =>
            each.type === EVENT_TYPE ? messaging.events.publish(each) : messaging.queue.send(each),
          );
        }
        await all(handled, sent);
        assert.equal(driver.status, 'open');
      }
      await bench.settled(member);
    },
  ),

  ...bothOrderings(
    'H4',
    'a group whose consumer is deleted on the server goes on where it left off',
    async (bench, ordering) => {
      const link = await openLink(bench);
      const member = await bench.open({ from: link, settings: quickLease(bench) });
      const history = events(4);
      await member.messaging.events.publish(...history);
      const handled = bench.collector<Handled>();
      const busy = gate();
      bench.atEnd(async () => busy.open());
      let isBusy = false;
      const hold = () => (isBusy ? busy.opened : Promise.resolve());
      await bench.subscribe(member, { ordering, concurrency: 2 }, handled, hold);
      const sent = [...events(8)];
      await member.messaging.events.publish(...sent);
      await all(handled, sent);
      await bench.settled(member);
      isBusy = true;
      const backlog = events(8);
      sent.push(...backlog);
      await member.messaging.events.publish(...backlog);
      await handled.count(9);
      await link.deleteConsumer(bench.namespace, GROUP);
      busy.open();
      const later = events(8);
      sent.push(...later);
      await member.messaging.events.publish(...later);
      await all(handled, sent);
      const seen = new Set(handled.items.map(({ id }) => id));
      assert.deepEqual(
        history.filter(({ id }) => seen.has(id)),
        [],
        'the group began at the beginning',
      );
    },
  ),

  contractCase(
    'H5',
    'what is published during an outage waits or fails by its deadline; what was confirmed arrives',
    async (bench) => {
      const server = await hook(bench.harness, 'privateServer')();
      bench.atEnd(() => server.close());
      const deadlineMs = 1_000;
      const patient = await bench.open({
        from: server,
        settings: { ...quickLease(bench), requestTimeoutMs: bench.deadlineMs },
      });
      const hasty = await bench.open({ from: server, settings: { requestTimeoutMs: deadlineMs } });
      const handled = bench.collector<Handled>();
      await bench.subscribe(patient, {}, handled);
      const sure: CloudEvent[] = [];
      let isUp = true;
      const publishing = KEYS.map(async (partitionkey) => {
        while (isUp) {
          const each = event({ partitionkey });
          await hasty.messaging.events.publish(each).then(
            () => sure.push(each),
            () => undefined,
          );
        }
      });
      await server.kill();
      isUp = false;
      for (const { driver } of [patient, hasty]) {
        await bench.eventually(
          async () => driver.status,
          (status) => status === 'reconnecting',
          'the loss to be noticed',
        );
      }
      const waited = events(8);
      const waiting = patient.messaging.events.publish(...waited);
      waiting.catch(() => undefined); // told when it is awaited
      const since = performance.now();
      const late = events(3);
      const error = await rejection(hasty.messaging.events.publish(...late), 'unavailable', 'timeout');
      const tookMs = performance.now() - since;
      assert.ok(tookMs > deadlineMs * 0.9 && tookMs < deadlineMs * 5, `failed after ${tookMs} ms`);
      assert.equal(error.retryable, true);
      assert.deepEqual(ids(error.failed), ids(late));
      await server.restart();
      await bench.within(waiting, 'what waited');
      await Promise.all(publishing);
      sure.push(...waited);
      await all(handled, sure);
      const read = new Set((await eventsOf(patient.messaging.events.read())).map(({ id }) => id));
      assert.deepEqual(
        sure.filter(({ id }) => !read.has(id)),
        [],
        'confirmed, and not in the stream',
      );
    },
  ),

  contractCase(
    'H6',
    'a settlement that comes after its connection was lost settles nothing on the next one',
    async (bench) => {
      const link = await openLink(bench);
      const first = bench.driver({}, link);
      await first.open();
      await first.declare({ groups: [{ group: GROUP, types: [EVENT_TYPE], from: 'new', ordering: 'none' }] });
      const options = { source: SOURCE, ordering: 'none', concurrency: 8 } as const;
      const taken = bench.collector<Delivery>();
      await first.consume(options, (delivery) => taken.add(delivery));
      const [stale, held, later] = [raw(), raw(), raw()];
      await confirmed(first, stale);
      await taken.until((items) => of(items, stale.id).length > 0, 'the first message');
      link.dropConnections();
      await confirmed(first, held);
      await taken.until((items) => of(items, held.id).length > 0, 'a message on the next connection');
      const isLate = bench.harness.declares['held-by-lease'] === undefined;
      if (isLate) await taken.until((items) => of(items, stale.id).length > 1, 'the redelivery');
      of(taken.items, stale.id)[0]?.ack();
      await confirmed(first, later);
      await taken.until((items) => of(items, later.id).length > 0, 'a message after the late settlement');
      const open = isLate ? [stale, held, later] : [held, later];
      const ask = () => first.lag(SOURCE);
      await bench.eventually(ask, (lag) => lag === open.length, `${open.length} unsettled messages`);
      assert.equal(of(taken.items, held.id).length, 1, 'the next channel was lost as well');
      await first.close();

      const second = bench.driver({}, link);
      await second.open();
      const again = bench.collector<Delivery>();
      await second.consume(options, (delivery) => {
        delivery.ack();
        again.add(delivery);
      });
      await again.count(open.length);
      assert.deepEqual(ids(again.items.map(({ message: { id = '' } }) => ({ id }))), ids(open));
    },
  ),

  ...bothOrderings(
    'H6',
    'a handler that outlives its connection does no harm when it ends',
    async (bench, ordering) => {
      const link = await openLink(bench);
      const member = await bench.open({ from: link, settings: quickLease(bench) });
      const handled = bench.collector<Handled>();
      const late = gate();
      bench.atEnd(async () => late.open());
      const slow = event({ partitionkey: 'a' });
      await bench.subscribe(member, { ordering }, handled, ({ id }, { attempt }) =>
        id === slow.id && attempt === 1 ? late.opened : Promise.resolve(),
      );
      await member.messaging.events.publish(slow);
      await handled.count(1);
      for (let round = 0; round < 2; round++) {
        link.dropConnections();
        await delay(bench.harness.limits.leaseMs); // it outlives its lease, too, unless that is extended
        const other = event({ partitionkey: 'b' });
        await member.messaging.events.publish(other);
        await all(handled, [other]);
      }
      late.open();
      const last = events(8);
      await member.messaging.events.publish(...last, event({ partitionkey: 'a' }));
      await all(handled, last);
      await bench.settled(member);
      const attempts = of(handled.items, slow.id).map(({ attempt }) => attempt);
      assert.ok(attempts.length <= 3, `handled ${attempts.length} times on three connections`);
      assert.deepEqual(await member.messaging.deadLetters.list(), []);
    },
  ),

  ...bothOrderings(
    'H7',
    'however often a process reconnects, the server counts as many consumers as before',
    async (bench, ordering) => {
      const link = await openLink(bench);
      const member = await bench.open({ from: link, settings: quickLease(bench) });
      const handled = bench.collector<Handled>();
      await bench.subscribe(member, { ordering }, handled);
      await member.messaging.queue.declare(CONTEXT);
      const count = () => link.consumers(bench.namespace, GROUP);
      const before = await bench.eventually(count, (consumers) => consumers > 0, 'a consumer');
      for (let round = 0; round < 6; round++) {
        link.dropConnections();
        await insist(bench, () => member.messaging.queue.send(command())); // tells that it is back, to nobody
        await bench.eventually(count, (consumers) => consumers >= before, 'the consumer to be back');
      }
      await bench.eventually(count, (consumers) => consumers === before, `${before} consumers`);
      const sent = events(16);
      await member.messaging.events.publish(...sent);
      await all(handled, sent);
      await bench.settled(member);
      assert.deepEqual(ids(handled.items), ids(sent));
    },
  ),

  contractCase('H8', 'what a killed member held goes to another within the lease', async (bench) => {
    const link = await openLink(bench);
    const settings = quickLease(bench);
    const doomed = await bench.open({ from: link, settings });
    const stuck = gate();
    bench.atEnd(async () => stuck.open());
    const started = bench.collector<Handled>();
    await bench.subscribe(doomed, {}, started, () => stuck.opened, 'doomed');
    const keys = keysOfEveryLane(LANES);
    const sent = [...keys, ...keys].map((partitionkey) => event({ partitionkey }));
    await doomed.messaging.events.publish(...sent);
    await started.count(LANES);

    const survivor = await bench.open({ settings });
    const handled = bench.collector<Handled>();
    await bench.subscribe(survivor, {}, handled, undefined, 'survivor');
    await link.cut();
    const since = performance.now();
    await all(handled, sent);
    const tookMs = performance.now() - since;
    const { leaseMs } = settings;
    assert.ok(tookMs < leaseMs + SLACK_MS, `took ${tookMs} ms with a lease of ${leaseMs} ms`);
  }),
];

const SOURCE = { kind: 'group', group: GROUP } as const;
/** For a busy machine. */
const SLACK_MS = 3_000;

/** What is lost on its way, such as a settlement, comes again after the lease: not to be waited for long. */
const quickLease = ({ harness: { limits } }: Bench) => ({ leaseMs: limits.leaseMs });

/** Resolves when each of `sent` was handled. */
async function all(handled: Collector<{ readonly id: string }>, sent: readonly { readonly id: string }[]) {
  const missing = new Set(ids(sent));
  let seen = 0;
  const done = (items: readonly { readonly id: string }[]): boolean => {
    for (; seen < items.length; seen++) missing.delete(items[seen]?.id ?? '');
    return missing.size === 0;
  };
  await handled.until(done, `all of ${sent.length} messages`);
}

/** What is of one message. */
function of<Item extends { readonly id: string } | Delivery>(
  items: readonly Item[],
  id: string,
): readonly Item[] {
  return items.filter((item) => ('message' in item ? item.message.id : item.id) === id);
}
