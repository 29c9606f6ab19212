import assert from 'node:assert/strict';
import type { CloudEvent, DeadLetter, Handler, Subscription } from '@waggle/kernel';
import { Reject } from '@waggle/kernel';
import type { BrokerDriver } from '@waggle/messaging';
import type { Bench, Handled, Member, MemberOptions } from './bench.ts';
import { LANES, QUICK } from './bench.ts';
import { contractCase } from './case.ts';
import type { Collector } from './collector.ts';
import { rejection } from './expectations.ts';
import { event, EVENT_TYPE, GROUP, keysOfEveryLane } from './messages.ts';
import { changingDeliveries } from './pass-through.ts';

const [KEY = '', OTHER_KEY = ''] = keysOfEveryLane(LANES);
/** More than any broker delivers one message unless it is told to. */
const MANY = 25;

export const orderAfterFailureCases = [
  contractCase(
    'E6',
    'after a dead letter the lane continues in its order, unless it is told to halt',
    async (bench) => {
      const halt = new Halt(bench);
      const member = await halt.join({}, { afterDeadLetter: 'continue' });
      const [doomed, ...later] = await halt.publishDoomed(member, 3);
      const [entry] = await bench.deadLetters(member, 1);
      await halt.handledOnce(later);
      await bench.settled(member);
      assert.deepEqual([entry?.messageId, entry?.held ?? false], [doomed.id, false]);
      assert.deepEqual(
        halt.sequence(),
        [doomed, ...later].map(({ id }) => id),
      );
    },
  ),

  contractCase(
    'E6',
    'told to halt, the lane waits with its dead letter, which is one, while all else goes on',
    async (bench) => {
      const halt = new Halt(bench);
      const member = await halt.join();
      const [doomed, ...later] = await halt.publishDoomed(member, 3);
      const elsewhere = [event({ partitionkey: OTHER_KEY }), event(), event({ partitionkey: OTHER_KEY })];
      await halt.isHeld(member, doomed);
      await member.messaging.events.publish(...elsewhere);
      await halt.handledOnce(elsewhere);
      await halt.hasCome(MANY);
      await bench.lagOf(member, 1 + later.length);
      await halt.isHeld(member, doomed);
      assert.equal(halt.count(later), 0, 'the lane went on');
      assert.equal(halt.count([doomed]), 1, 'it was handled again');
    },
  ),

  contractCase(
    'E6',
    'what is held is handled in its place once it is redriven, as the first attempt, and the lane follows',
    async (bench) => {
      const halt = new Halt(bench);
      const member = await halt.join({}, { retry: { ...QUICK, maxAttempts: 2 } });
      const [doomed, ...later] = await halt.publishDoomed(member, 3, new Error('the handler said no'));
      await halt.isHeld(member, doomed, 2);
      await halt.hasCome(MANY);
      halt.mend();
      await redriven(member, doomed);
      await halt.handledOnce(later);
      await bench.settled(member);
      assert.deepEqual(
        halt.handled.items.map(({ id, attempt }) => [id, attempt]),
        [[doomed.id, 1], [doomed.id, 2], [doomed.id, 1], ...later.map(({ id }) => [id, 1])],
      );
      assert.deepEqual(await member.messaging.deadLetters.list(), []);
    },
  ),

  contractCase(
    'E6',
    'what is held and discarded is not handled any more, and the lane goes on',
    async (bench) => {
      const halt = new Halt(bench);
      const member = await halt.join();
      const [doomed, ...later] = await halt.publishDoomed(member, 3);
      await halt.isHeld(member, doomed);
      await member.messaging.deadLetters.discard({});
      await halt.handledOnce(later);
      await bench.settled(member);
      assert.deepEqual(
        halt.sequence(),
        [doomed, ...later].map(({ id }) => id),
      );
      assert.deepEqual(await member.messaging.deadLetters.list(), []);
    },
  ),

  contractCase('E6', 'what fails again after its redrive is held again, as one entry', async (bench) => {
    const halt = new Halt(bench);
    const member = await halt.join();
    const [doomed, ...later] = await halt.publishDoomed(member, 2);
    for (let times = 1; times <= 3; times++) {
      await halt.handled.count(times);
      await halt.isHeld(member, doomed);
      if (times < 3) await redriven(member, doomed);
    }
    assert.deepEqual([halt.count([doomed]), halt.count(later)], [3, 0]);
    await member.messaging.deadLetters.discard({});
    await halt.handledOnce(later);
    await bench.settled(member);
  }),

  contractCase(
    'E6',
    'what is held stays so when its process dies, whatever another member makes of it, and its redrive is kept',
    async (bench) => {
      const halt = new Halt(bench);
      const dying = await halt.join();
      const [doomed, ...later] = await halt.publishDoomed(dying, 2);
      await halt.isHeld(dying, doomed);
      await dying.driver.close();

      const second = await halt.join();
      await halt.hasCome(MANY);
      await halt.isHeld(second, doomed);
      assert.deepEqual([halt.count([doomed]), halt.count(later)], [1, 0]);
      await second.driver.close();

      const operator = await bench.open();
      await redriven(operator, doomed);
      halt.mend();
      const third = await halt.join();
      await halt.handledOnce(later);
      await bench.settled(third);
      assert.deepEqual(
        halt.handled.items.map(({ id, attempt }) => [id, attempt]),
        [doomed, doomed, ...later].map(({ id }) => [id, 1]),
      );
      assert.deepEqual(await third.messaging.deadLetters.list(), []);
    },
  ),

  contractCase(
    'E6',
    'of several members whoever has the lane looks what became of its dead letter',
    async (bench) => {
      const halt = new Halt(bench);
      const [one, other] = [await halt.join(), await halt.join()];
      const [doomed, ...later] = await halt.publishDoomed(one, 3);
      await halt.isHeld(one, doomed);
      await halt.hasCome(MANY);
      halt.mend();
      await redriven(other, doomed);
      await halt.handledOnce(later);
      await bench.settled(one);
      assert.deepEqual(
        halt.sequence(),
        [doomed, doomed, ...later].map(({ id }) => id),
      );
    },
  ),

  contractCase('E6', 'a group without order cannot halt, and is told so', async (bench) => {
    const { messaging } = await bench.open();
    const subscription = {
      group: GROUP,
      types: [EVENT_TYPE],
      ordering: 'none',
      afterDeadLetter: 'halt',
    } as const;
    const error = await rejection(
      messaging.events.subscribe(subscription, async () => undefined),
      'invalid',
    );
    assert.ok(error.message.includes('afterDeadLetter') && error.message.includes('ordering'), error.message);
  }),
];

async function redriven({ messaging }: Member, { id }: CloudEvent): Promise<void> {
  const given = await messaging.deadLetters.redrive({});
  assert.deepEqual(
    given.map(({ messageId }) => messageId),
    [id],
  );
}

/** Members of a group that halts, and whose first event of a lane is doomed until that is mended. */
class Halt {
  readonly handled: Collector<Handled>;
  readonly #bench: Bench;
  readonly #comings: Collector<string>;
  #doomed: { readonly id: string; readonly error: Error } | undefined;

  constructor(bench: Bench) {
    this.#bench = bench;
    this.handled = bench.collector();
    this.#comings = bench.collector();
  }

  async join(options: MemberOptions = {}, subscription: Partial<Subscription> = {}): Promise<Member> {
    const { leaseMs } = this.#bench.harness.limits;
    const wrap = (driver: BrokerDriver): BrokerDriver =>
      changingDeliveries(driver, (delivery) => {
        if (delivery.lane !== 'unordered') this.#comings.add(delivery.message.id ?? 'none');
        return delivery;
      });
    const member = await this.#bench.open({ settings: { leaseMs }, wrap, ...options });
    const fail: Handler = async ({ id }) => {
      if (id === this.#doomed?.id) throw this.#doomed.error;
    };
    await this.#bench.subscribe(member, { afterDeadLetter: 'halt', ...subscription }, this.handled, fail);
    return member;
  }

  /** So many of one key; the first fails. */
  async publishDoomed(
    { messaging }: Member,
    count: number,
    error: Error = new Reject('never'),
  ): Promise<readonly [CloudEvent, ...CloudEvent[]]> {
    const [doomed, ...later] = Array.from({ length: count }, () => event({ partitionkey: KEY }));
    assert.ok(doomed !== undefined);
    this.#doomed = { id: doomed.id, error };
    await messaging.events.publish(doomed, ...later);
    return [doomed, ...later];
  }

  mend(): void {
    this.#doomed = undefined;
  }

  /** Resolves when it is listed as held, and nothing else is. */
  async isHeld(member: Member, { id }: CloudEvent, attempts = 1): Promise<void> {
    const entries = await this.#bench.deadLetters(member, 1);
    const seen = ({ messageId, held, attempts: counted }: DeadLetter) => [messageId, held, counted];
    assert.deepEqual(entries.map(seen), [[id, true, attempts]]);
  }

  /** Resolves when what is held has come again so often from now on: it is looked at, and put off. */
  async hasCome(times: number): Promise<void> {
    const id = this.#doomed?.id;
    const count = (items: readonly string[]): number => items.filter((each) => each === id).length;
    const before = count(this.#comings.items);
    await this.#comings.until(
      (items) => count(items) >= before + times,
      `${times} more looks at what is held`,
    );
  }

  count(messages: readonly CloudEvent[]): number {
    const wanted = new Set(messages.map(({ id }) => id));
    return this.handled.items.filter(({ id }) => wanted.has(id)).length;
  }

  async handledOnce(messages: readonly CloudEvent[]): Promise<void> {
    await this.handled.until(
      () => this.count(messages) >= messages.length,
      `${messages.length} to be handled`,
    );
    assert.equal(this.count(messages), messages.length);
  }

  /** The ids of what was handled, in that order. */
  sequence(): readonly string[] {
    return this.handled.items.map(({ id }) => id);
  }
}
