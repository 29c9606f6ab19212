import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import type { CloudEvent, Consumer, Handler } from '@waggle/kernel';
import type { Bench, Member, MemberOptions } from './bench.ts';
import { LANES, QUICK } from './bench.ts';
import { contractCase } from './case.ts';
import { gate } from './collector.ts';
import { openLink } from './harness.ts';
import type { Link } from './harness.ts';
import { event, EVENT_TYPE, GROUP, keysOfEveryLane } from './messages.ts';
import { Witness } from './witness.ts';

/** On top of the lease, for a busy machine. */
const SLACK_MS = 8_000;
const LANE_KEYS = keysOfEveryLane(LANES);
const KEYS = [...LANE_KEYS, ...LANE_KEYS.map((key) => `${key}-too`)];

interface Joined extends Member {
  readonly consumer: Consumer;
}

export const orderMemberCases = [
  contractCase(
    'E4',
    'order is kept when a member dies without a goodbye, and its lanes go on within the lease',
    async (bench) => {
      const tookMs = await whenOneVanishes(bench, (link) => link.cut());
      const { leaseMs } = bench.harness.limits;
      assert.ok(tookMs < leaseMs + SLACK_MS, `it took ${tookMs} ms with a lease of ${leaseMs}`);
    },
  ),

  contractCase(
    'E4',
    'order is kept when a member hangs with its connections open, and its lanes go on',
    async (bench) => void (await whenOneVanishes(bench, (link) => link.stall())),
  ),

  contractCase(
    'E4',
    'order is kept when a member leaves, and nothing of it is handled twice',
    async (bench) => {
      const line = new Line(bench);
      const busy = gate();
      bench.atEnd(async () => busy.open());
      const staying = await line.join('staying');
      const leaving = await line.join('leaving', {}, () => busy.opened);
      await line.wavesUntil(() => line.witness.members.has('leaving'));
      await line.publish(3);
      const draining = leaving.consumer.drain(bench.deadlineMs);
      busy.open();
      await draining;
      const goneAt = line.witness.handled.items.length;
      await line.publish(2);
      await line.witness.all(line.published);
      await bench.settled(staying);
      line.witness.assertOrder(line.published);
      const { items } = line.witness.handled;
      assert.equal(items.length, line.published.length, 'some were handled twice');
      assert.ok(items.slice(goneAt).every(({ member }) => member === 'staying'));
    },
  ),

  contractCase(
    'E4',
    'while members come, leave and die, each gets a share, every lane flows, and order is kept',
    async (bench) => {
      const line = new Line(bench);
      const link = await openLink(bench);
      const first = await line.join('first');
      await line.waveThrough('first');
      await line.join('second', { from: link });
      await line.waveThrough('first', 'second');
      const third = await line.join('third');
      await line.waveThrough('first', 'second', 'third');

      const flowing = line.publish(6);
      line.witness.died('second');
      await link.cut();
      await flowing;
      await line.witness.all(line.published);
      await line.waveThrough('first', 'third');

      const draining = first.consumer.drain(bench.deadlineMs);
      await line.publish(6);
      await draining;
      await line.witness.all(line.published);
      await bench.settled(third);
      await line.join('fourth');
      await line.waveThrough('third', 'fourth');
      line.witness.assertOrder(line.published);
      const ofTheDead = new Set(line.witness.idsOf('second'));
      const once = line.witness.handled.items.filter(({ id }) => !ofTheDead.has(id));
      assert.equal(once.length, new Set(once.map(({ id }) => id)).size, 'some were handled twice');
    },
  ),
];

/** Resolves with how long it took until the others had what the one that vanished was handling. */
async function whenOneVanishes(bench: Bench, vanish: (link: Link) => Promise<void> | void): Promise<number> {
  const line = new Line(bench);
  const link = await openLink(bench);
  const stuck = gate();
  bench.atEnd(async () => stuck.open());
  const survivor = await line.join('survivor');
  await line.join('another');
  await line.join('vanishing', { from: link }, () => stuck.opened);
  await line.wavesUntil(() => line.witness.members.has('vanishing'));
  await line.publish(3); // waits behind what is stuck
  line.witness.died('vanishing');
  const vanishedAt = performance.now();
  await vanish(link);
  await line.witness.handled.until((items) => {
    const alive = new Set(items.filter(({ member }) => member !== 'vanishing').map(({ id }) => id));
    return items.every(({ id }) => alive.has(id));
  }, 'the others to handle what was stuck');
  const tookMs = performance.now() - vanishedAt;
  await line.witness.all(line.published);
  await bench.settled(survivor);
  line.witness.assertOrder(line.published);
  link.resume();
  return tookMs;
}

/** Events of two keys a lane, and the members that handle them. */
class Line {
  readonly witness: Witness;
  readonly published: CloudEvent[] = [];
  readonly #bench: Bench;
  #publisher: Member | undefined;

  constructor(bench: Bench) {
    this.#bench = bench;
    this.witness = new Witness(bench.deadlineMs);
  }

  async join(name: string, options: MemberOptions = {}, work: Handler = soon): Promise<Joined> {
    const { leaseMs } = this.#bench.harness.limits;
    const member = await this.#bench.open({ settings: { leaseMs }, ...options });
    const subscription = { group: GROUP, types: [EVENT_TYPE], retry: QUICK };
    const consumer = await member.messaging.events.subscribe(subscription, this.witness.handler(name, work));
    return { ...member, consumer };
  }

  /** `rounds` events of every key, one call a round. */
  async publish(rounds: number): Promise<readonly CloudEvent[]> {
    this.#publisher ??= await this.#bench.open();
    const all: CloudEvent[] = [];
    for (let round = 0; round < rounds; round++) {
      const wave = KEYS.map((partitionkey) => event({ partitionkey }));
      this.published.push(...wave);
      all.push(...wave);
      await this.#publisher.messaging.events.publish(...wave);
    }
    return all;
  }

  /** Publishes wave after wave until `condition` holds; shares may take a moment to settle. */
  async wavesUntil(condition: () => boolean): Promise<void> {
    const deadline = performance.now() + this.#bench.deadlineMs;
    do {
      const wave = await this.publish(1);
      await this.witness.handled.until(() => condition() || this.witness.has(wave), 'a wave');
    } while (!condition() && performance.now() < deadline);
    assert.ok(condition(), `only ${[...this.witness.members].join(', ')} had a share`);
  }

  /** Resolves when each of `members`, and nobody else, took part of what was published meanwhile. */
  async waveThrough(...members: readonly string[]): Promise<void> {
    const from = this.witness.handled.items.length;
    const taking = (): ReadonlySet<string> =>
      new Set(this.witness.handled.items.slice(from).map(({ member }) => member));
    await this.wavesUntil(() => members.every((member) => taking().has(member)));
    await this.witness.all(this.published);
    assert.deepEqual([...taking()].toSorted(), members.toSorted());
  }
}

const soon: Handler = async () => {
  await turn();
};
