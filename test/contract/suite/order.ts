import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import type { CloudEvent, Consumer, Handler, Subscription } from '@waggle/kernel';
import type { Delivery } from '@waggle/messaging';
import type { Bench, Member } from './bench.ts';
import { LANES, QUICK } from './bench.ts';
import { contractCase } from './case.ts';
import { confirmed } from './expectations.ts';
import { COMMAND_TYPE, CONTEXT, event, EVENT_TYPE, GROUP, keysOfEveryLane, raw } from './messages.ts';
import { Witness } from './witness.ts';

const GROUP_SOURCE = { kind: 'group', group: GROUP } as const;
const QUEUE_SOURCE = { kind: 'queue', context: CONTEXT } as const;
/** Longer than any test waits. */
const NEVER_MS = 1_200_000;

/** Where messages with a key go, and how they are handled there. */
interface Channel {
  readonly name: string;
  readonly type: string;
  readonly source: typeof GROUP_SOURCE | typeof QUEUE_SOURCE;
  publish(member: Member, messages: readonly CloudEvent[]): Promise<void>;
  consume(member: Member, options: Options, handler: Handler): Promise<Consumer>;
}

type Options = Pick<Subscription, 'concurrency' | 'retry'>;

const channels: readonly Channel[] = [
  {
    name: 'events',
    type: EVENT_TYPE,
    source: GROUP_SOURCE,
    publish: ({ messaging }, messages) => messaging.events.publish(...messages),
    consume: ({ messaging }, options, handler) =>
      messaging.events.subscribe({ group: GROUP, types: [EVENT_TYPE], retry: QUICK, ...options }, handler),
  },
  {
    name: 'commands',
    type: COMMAND_TYPE,
    source: QUEUE_SOURCE,
    publish: ({ messaging }, messages) => messaging.queue.send(...messages),
    consume: ({ messaging }, options, handler) =>
      messaging.queue.receive({ context: CONTEXT, retry: QUICK, ...options }, handler),
  },
];

/** The same case for the events of a group and for the commands of a queue. */
const both = (
  id: 'E1' | 'E2' | 'E3' | 'E5',
  sentence: string,
  run: (bench: Bench, channel: Channel) => Promise<void>,
) =>
  channels.map((channel) => contractCase(id, `${channel.name}: ${sentence}`, (bench) => run(bench, channel)));

export const orderCases = [
  ...both('E1', 'one consumer handles those of a key as they were published', async (bench, channel) => {
    const member = await bench.open();
    const witness = new Witness(bench.deadlineMs);
    await channel.consume(member, {}, witness.handler('only', busily));
    const published = await publishInterleaved([member], channel, 12);
    await witness.all(published);
    await bench.settled(member, channel.source);
    witness.assertOrder(published);
  }),

  ...both('E1', 'one consumer handles a backlog of a key as it was published', async (bench, channel) => {
    const member = await bench.open();
    await member.driver.declare({
      queues: [CONTEXT],
      groups: [{ group: GROUP, types: [EVENT_TYPE], from: 'new', ordering: 'by-key' }],
    });
    const published = await publishInterleaved([member], channel, 8);
    const witness = new Witness(bench.deadlineMs);
    await channel.consume(member, { concurrency: 2 }, witness.handler('only', busily));
    await witness.all(published);
    await bench.settled(member, channel.source);
    witness.assertOrder(published);
  }),

  ...both('E2', 'three members handle those of a key as they were published', async (bench, channel) => {
    const { witness, published } = await threeMembers(bench, channel, busily);
    witness.assertOrder(published);
  }),

  ...both('E2', 'those of a key keep their order when some fail and come again', async (bench, channel) => {
    const { witness, published } = await threeMembers(bench, channel, async (message, context) => {
      await busily(message, context);
      const { index } = message.data as { index: number };
      if (context.attempt <= index % 3) throw new Error('as planned');
    });
    witness.assertOrder(published);
  }),

  ...both(
    'E3',
    'of each lane one is unsettled at a time, over all members and until it is settled',
    async (bench, channel) => {
      const drivers = await Promise.all([bench.openDriver(), bench.openDriver(), bench.openDriver()]);
      const { source } = channel;
      await drivers[0].declare({
        queues: [CONTEXT],
        groups: [{ group: GROUP, types: [EVENT_TYPE], from: 'new', ordering: 'by-key' }],
      });
      const unsettled = new Map<Delivery['lane'], Delivery[]>();
      const arrived = bench.collector<Delivery['lane']>();
      const deliver = (delivery: Delivery): void => {
        unsettled.set(delivery.lane, [...(unsettled.get(delivery.lane) ?? []), delivery]);
        arrived.add(delivery.lane);
      };
      for (const driver of drivers)
        await driver.consume({ source, ordering: 'by-key', concurrency: 1 }, deliver);
      const to = channel.type === EVENT_TYPE ? ({ kind: 'stream' } as const) : QUEUE_SOURCE;
      const { type } = channel;
      const rounds = 4;
      const message = (lane: Delivery['lane']) => raw({ to, type, lane });
      for (let round = 0; round < rounds; round++) {
        await confirmed(drivers[0], ...Array.from({ length: LANES }, (_, lane) => message(lane)));
      }
      for (let round = 1; round <= rounds; round++) {
        await arrived.count(LANES * round + (round - 1));
        await confirmed(drivers[0], message('unordered')); // a sentinel: others would have come before it
        await arrived.count((LANES + 1) * round);
        const most = Math.max(...[...unsettled.values()].map(({ length }) => length));
        assert.equal(most, 1, 'more than one of a lane was unsettled');
        const due = [...unsettled.values()].flat();
        unsettled.clear();
        for (const delivery of due) delivery.ack();
      }
      await bench.eventually(
        () => drivers[0].lag(source),
        (lag) => lag === 0,
        'everything to be settled',
      );
      assert.equal(arrived.items.length, (LANES + 1) * rounds);
    },
  ),

  ...both(
    'E3',
    'two of a key are never handled at the same time by three members',
    async (bench, channel) => {
      const { witness, published } = await threeMembers(bench, channel, async (message, context) => {
        for (let turns = 0; turns < 20; turns++) await turn();
        await busily(message, context);
      });
      witness.assertOrder(published);
    },
  ),

  ...both(
    'E5',
    'the other lanes go on while one waits for its retry, and that lane waits with it',
    async (bench, channel) => {
      const [one, other] = await Promise.all([bench.open(), bench.open()]);
      const [waiting = '', ...others] = keysOfEveryLane(LANES);
      const witness = new Witness(bench.deadlineMs);
      const failing: Handler = async ({ partitionkey }) => {
        if (partitionkey === waiting) throw new Error('as planned');
      };
      const options = { concurrency: 1, retry: { initialDelayMs: NEVER_MS, maxDelayMs: NEVER_MS } };
      await channel.consume(one, options, witness.handler('one', failing));
      await channel.consume(other, options, witness.handler('other', failing));
      const message = (partitionkey: string) => event({ type: channel.type, partitionkey });
      const first = message(waiting);
      await channel.publish(one, [first]);
      await witness.all([first]);
      const later = Array.from({ length: 5 }, () => others.map(message)).flat();
      await channel.publish(one, [message(waiting), ...later, message(waiting)]);
      await witness.all(later);
      await bench.lagOf(one, 3, channel.source);
      witness.assertOrder([first, ...later]);
      assert.equal(witness.handled.items.length, later.length + 1, 'the lane went on without its first');
    },
  ),
];

/** Takes a moment, a different one each time. */
const busily: Handler = async () => {
  for (let turns = Math.trunc(Math.random() * 4); turns > 0; turns--) await turn();
};

/** Three members that publish and handle side by side, until each of them had a share. */
async function threeMembers(bench: Bench, channel: Channel, work: Handler) {
  const members = await Promise.all([bench.open(), bench.open(), bench.open()]);
  const witness = new Witness(bench.deadlineMs);
  for (const [index, member] of members.entries()) {
    await channel.consume(member, {}, witness.handler(`${index}`, work));
  }
  const published: CloudEvent[] = [];
  // Shares may take a moment to settle: one wave at a time, until all three have one.
  const deadline = performance.now() + bench.deadlineMs;
  while (published.length === 0 || (witness.members.size < 3 && performance.now() < deadline)) {
    published.push(...(await publishInterleaved(members, channel, 8)));
    await witness.all(published);
    await bench.settled(members[0], channel.source);
  }
  assert.equal(witness.members.size, 3, 'not every member had a share');
  return { witness, published };
}

/**
 * `rounds` messages of each of a dozen keys, four a member, whose publishers do not wait for each other: what they have in
 * common is the lanes. Of one publisher each call waits for the one before.
 */
async function publishInterleaved(
  members: readonly Member[],
  channel: Channel,
  rounds: number,
): Promise<readonly CloudEvent[]> {
  const keys = Array.from({ length: 12 }, (_, index) => `key-${index}`);
  const sent = await Promise.all(
    members.map(async (member, publisher) => {
      const own = keys.filter((_, index) => index % members.length === publisher);
      const all: CloudEvent[] = [];
      for (let index = 0; index < rounds; index += 2) {
        const batch = [index, index + 1].flatMap((at) =>
          own.map((partitionkey) => event({ type: channel.type, partitionkey, data: { index: at } })),
        );
        await channel.publish(member, batch);
        all.push(...batch);
      }
      return all;
    }),
  );
  return sent.flat();
}
