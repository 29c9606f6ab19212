import { createMemoryDriver } from '@waggle/adapter-memory';
import type { MemoryBroker } from '@waggle/adapter-memory';
import type { Subscription } from '@waggle/kernel';
import { Reject } from '@waggle/kernel';
import { createMessaging } from '@waggle/messaging';
import type { BrokerDriver, VirtualClock } from '@waggle/messaging';
import { describe, expect, onTestFinished, test } from 'vitest';
import { anEvent, driverSettings, GROUP, openMessaging, settle, TYPE } from './harness.ts';

/** The delays of the default policy end here. */
const LONGEST_MS = 30_000;
const halting: Subscription = {
  group: GROUP,
  types: [TYPE],
  afterDeadLetter: 'halt',
  retry: { maxAttempts: 2, jitter: 0 },
};

/** A group that halts, and whose handler fails with what `failing` says of the data. */
async function haltingGroup(subscription: Partial<Subscription> = {}) {
  const opened = await openMessaging();
  const { messaging, clock } = opened;
  const failing = new Map<unknown, Error>();
  const told: string[] = [];
  const handler = async ({ data }: { data: unknown }, { attempt }: { attempt: number }): Promise<void> => {
    const error = failing.get(data);
    told.push(`${String(data)}#${attempt}${error === undefined ? '' : ' failed'}`);
    if (error !== undefined) throw error;
  };
  const consumer = await messaging.events.subscribe({ ...halting, ...subscription }, handler);
  const publish = (key: string | undefined, ...data: readonly unknown[]) =>
    messaging.events.publish(
      ...data.map((each) =>
        anEvent({ id: String(each), data: each, ...(key !== undefined && { partitionkey: key }) }),
      ),
    );
  const list = async () =>
    (await messaging.deadLetters.list()).map(({ messageId, attempts, held = false }) => ({
      messageId,
      attempts,
      held,
    }));
  const passing = async (ms: number): Promise<void> => {
    await clock.advance(ms);
    await settle(clock);
  };
  return { ...opened, failing, told, handler, consumer, publish, list, passing };
}

/** Another process on the same broker. */
async function anotherProcess(
  broker: MemoryBroker,
  clock: VirtualClock,
  wrap = (driver: BrokerDriver) => driver,
) {
  const driver = wrap(createMemoryDriver(driverSettings, broker));
  const messaging = createMessaging({ driver, lanes: 4, maxMessageBytes: 10_000, clock, random: () => 0 });
  await messaging.open();
  onTestFinished(() => messaging.close());
  return { driver, messaging };
}

describe('after a dead letter, a group that halts', () => {
  test('keeps it at the head of its lane, lists it as held, and lets other lanes and what has no key go on', async () => {
    const { failing, told, publish, list, passing } = await haltingGroup();
    failing.set('a1', new Error('no'));
    await publish('a', 'a1', 'a2');
    await passing(60_000);
    await publish('b', 'b1');
    await publish(undefined, 'u1');
    await passing(600_000);
    expect(told).toEqual(['a1#1 failed', 'a1#2 failed', 'b1#1', 'u1#1']);
    expect(await list()).toEqual([{ messageId: 'a1', attempts: 2, held: true }]);
  });

  test('handles it in its place once it is redriven, from attempt 1, and no copy of it', async () => {
    const { messaging, driver, failing, told, publish, list, passing } = await haltingGroup();
    failing.set('a1', new Reject('no'));
    await publish('a', 'a1', 'a2');
    await passing(60_000);
    failing.clear();
    expect(await messaging.deadLetters.redrive({}, { dryRun: true })).toHaveLength(1);
    await passing(LONGEST_MS);
    expect(told).toEqual(['a1#1 failed']);
    expect(await messaging.deadLetters.redrive({})).toMatchObject([{ messageId: 'a1', held: true }]);
    expect(await list()).toEqual([]);
    await passing(LONGEST_MS);
    expect(told).toEqual(['a1#1 failed', 'a1#1', 'a2#1']);
    expect(await driver.lag({ kind: 'group', group: GROUP })).toBe(0);
  });

  test('acknowledges it once it is discarded, and goes on', async () => {
    const { messaging, driver, failing, told, publish, passing } = await haltingGroup();
    failing.set('a1', new Reject('no'));
    await publish('a', 'a1', 'a2');
    await passing(60_000);
    await messaging.deadLetters.discard({});
    await passing(LONGEST_MS);
    expect(told).toEqual(['a1#1 failed', 'a2#1']);
    expect(await driver.lag({ kind: 'group', group: GROUP })).toBe(0);
  });

  test('holds it again, as one entry with attempts from 1, when it fails after its redrive', async () => {
    const { messaging, failing, told, publish, list, passing } = await haltingGroup();
    failing.set('a1', new Error('no'));
    await publish('a', 'a1', 'a2');
    await passing(60_000);
    for (let times = 2; times <= 4; times++) {
      await messaging.deadLetters.redrive({});
      await passing(2 * LONGEST_MS);
      expect(told).toHaveLength(2 * times);
      expect(await list()).toEqual([{ messageId: 'a1', attempts: 2, held: true }]);
    }
    expect(new Set(told)).toEqual(new Set(['a1#1 failed', 'a1#2 failed']));
  });

  test('holds what cannot be decoded, also without an id, and takes two of the same for two', async () => {
    const { driver, messaging, told, publish, passing } = await haltingGroup();
    const broken = (id: string) => ({
      ...{ to: { kind: 'stream' } as const, lane: 0, type: TYPE, id, headers: {} },
      contentType: 'text/plain',
      body: new TextEncoder().encode('the same'),
    });
    await driver.publish([broken('x1'), broken('x2')]);
    const laneOfZero = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
    for (const key of laneOfZero) await publish(key, key);
    await passing(60_000);
    const waiting = laneOfZero.length - told.length;
    expect(waiting).toBeGreaterThan(0);
    for (const id of ['x1', 'x2']) {
      expect(await messaging.deadLetters.list()).toMatchObject([
        { messageId: id, cause: 'undecodable', held: true },
      ]);
      await messaging.deadLetters.discard({});
      await passing(2 * LONGEST_MS);
    }
    expect(told).toHaveLength(laneOfZero.length);
  });

  test('can redrive what was too large to be kept whole, since it is still there', async () => {
    const { broker, clock, messaging, failing, told, passing } = await haltingGroup();
    const stranger = createMemoryDriver({ ...driverSettings, maxMessageBytes: 100_000 }, broker);
    onTestFinished(() => stranger.close());
    await stranger.open();
    const generous = createMessaging({ driver: stranger, lanes: 4, maxMessageBytes: 100_000, clock });
    const data = 'x'.repeat(50_000);
    failing.set(data, new Reject('no'));
    await generous.events.publish(anEvent({ id: 'large', data, partitionkey: 'a' }));
    await passing(60_000);
    expect(await messaging.deadLetters.list()).toMatchObject([
      { held: true, cutFromBytes: expect.any(Number) },
    ]);
    failing.clear();
    await messaging.deadLetters.redrive({});
    await passing(LONGEST_MS);
    expect(told.map((each) => each.slice(-2))).toEqual(['ed', '#1']);
  });

  test('goes on to hold it when its process is another one, and counts attempts on through that', async () => {
    const { broker, clock, messaging, driver, failing, told, handler, publish, list, passing } =
      await haltingGroup();
    failing.set('a1', new Error('no'));
    await publish('a', 'a1', 'a2');
    await passing(60_000);
    await driver.close();
    const second = await anotherProcess(broker, clock);
    await second.messaging.events.subscribe({ ...halting, retry: { maxAttempts: 3, jitter: 0 } }, handler);
    await passing(600_000);
    expect(told).toEqual(['a1#1 failed', 'a1#2 failed']);
    await expect(list()).rejects.toMatchObject({ code: 'closed' });
    expect(await second.messaging.deadLetters.list()).toMatchObject([{ messageId: 'a1', held: true }]);

    await second.messaging.deadLetters.redrive({});
    await clock.advance(LONGEST_MS + 50);
    await settle(clock);
    const third = await anotherProcess(broker, clock);
    await third.messaging.events.subscribe({ ...halting, retry: { maxAttempts: 3, jitter: 0 } }, handler);
    await second.driver.close();
    await passing(600_000);
    expect(told).toEqual([...told.slice(0, 2), 'a1#1 failed', 'a1#2 failed', 'a1#3 failed']);
    expect(await third.messaging.deadLetters.list()).toMatchObject([{ attempts: 3, held: true }]);
    await third.messaging.deadLetters.discard({});
    await passing(LONGEST_MS);
    expect(told.at(-1)).toBe('a2#1');
    await messaging.close();
  });

  test('reads the log of dead letters a few times, however long it holds', async () => {
    const opened = await openMessaging();
    let reads = 0;
    const counting = await anotherProcess(opened.broker, opened.clock, (driver) => {
      const { read } = driver;
      driver.read = (source, options) => {
        if (!options.follow) reads++;
        return read(source, options);
      };
      return driver;
    });
    await counting.messaging.events.subscribe(halting, () => Promise.reject(new Reject('no')));
    await counting.messaging.events.publish(anEvent({ partitionkey: 'a' }));
    await opened.clock.advance(3_600_000);
    await settle(opened.clock);
    expect(reads).toBeLessThanOrEqual(9); // at the beginning, once it was stored, and every ten minutes
  });

  test('does not spin while it waits, whatever the policy', async () => {
    const { clock, broker } = await openMessaging();
    let comings = 0;
    const counting = await anotherProcess(broker, clock, (driver) => {
      const { consume } = driver;
      driver.consume = (options, deliver) =>
        consume(options, (delivery) => {
          comings++;
          deliver(delivery);
        });
      return driver;
    });
    const retry = { maxAttempts: 1, initialDelayMs: 0, maxDelayMs: 0 };
    await counting.messaging.events.subscribe({ ...halting, retry }, () => Promise.reject(new Error('no')));
    await counting.messaging.events.publish(anEvent({ partitionkey: 'a' }));
    await clock.advance(1_000);
    expect(comings).toBeGreaterThan(5);
    expect(comings).toBeLessThan(60);
  });

  test('does not look at the log for what fails and comes again here', async () => {
    const opened = await openMessaging();
    let reads = 0;
    const counting = await anotherProcess(opened.broker, opened.clock, (driver) => {
      const { read } = driver;
      driver.read = (source, options) => {
        reads++;
        return read(source, options);
      };
      return driver;
    });
    const attempts: number[] = [];
    const subscription = { ...halting, retry: { maxAttempts: 20, jitter: 0 } };
    await counting.messaging.events.subscribe(subscription, async (_, { attempt }) => {
      attempts.push(attempt);
      if (attempt < 15) throw new Error('not yet');
    });
    const before = reads;
    await counting.messaging.events.publish(anEvent({ partitionkey: 'a' }));
    await opened.clock.advance(3_600_000);
    expect(attempts).toHaveLength(15);
    expect(reads - before).toBe(0);
  });

  test('stores one entry, also when storing it fails at first', async () => {
    const { broker, messaging, failing, publish, list, passing } = await haltingGroup();
    failing.set('a1', new Reject('no'));
    const allow = broker.deny('publish', ({ resource }) => resource === 'dead-letters');
    await publish('a', 'a1', 'a2');
    await passing(60_000);
    allow();
    await passing(60_000);
    expect(await list()).toEqual([{ messageId: 'a1', attempts: 1, held: true }]);
    await messaging.deadLetters.discard({});
    expect(await list()).toEqual([]);
  });

  test('waits while it cannot be seen what became of it, and while its handling cannot be noted', async () => {
    const { broker, messaging, failing, told, publish, passing } = await haltingGroup();
    failing.set('a1', new Reject('no'));
    await publish('a', 'a1', 'a2');
    await passing(60_000);
    failing.clear();
    const allowReading = broker.deny('read', ({ resource }) => resource === 'dead-letters');
    await passing(700_000);
    allowReading();
    await messaging.deadLetters.redrive({});
    const allowNoting = broker.deny('publish', ({ resource }) => resource === 'dead-letters');
    await passing(2 * LONGEST_MS);
    expect(told).toEqual(['a1#1 failed']);
    allowNoting();
    await passing(2 * LONGEST_MS);
    expect(told).toEqual(['a1#1 failed', 'a1#1', 'a2#1']);
  });

  test.each(['held', 'redriven'])(
    'lists it as an ordinary one, to be redriven as a copy, when it was %s and its lane has gone on without it',
    async (state) => {
      const { messaging, driver, consumer, failing, told, handler, publish, list, passing } =
        await haltingGroup();
      failing.set('a1', new Reject('no'));
      await publish('a', 'a1');
      await passing(60_000);
      await consumer.drain(0);
      // Somebody else's tool takes it away.
      const source = { kind: 'group', group: GROUP } as const;
      const taker = await driver.consume({ source, ordering: 'by-key', concurrency: 1 }, (delivery) =>
        delivery.ack(),
      );
      await passing(LONGEST_MS);
      await taker.close();
      if (state === 'redriven') await messaging.deadLetters.redrive({});
      failing.clear();
      await messaging.events.subscribe(halting, handler);
      await publish('a', 'a2', 'a3');
      await passing(LONGEST_MS);
      expect(told).toEqual(['a1#1 failed', 'a2#1', 'a3#1']);
      expect(await list()).toEqual([{ messageId: 'a1', attempts: 1, held: false }]);
      await messaging.deadLetters.redrive({});
      await passing(LONGEST_MS);
      expect(told.at(-1)).toBe('a1#1');
      expect(await list()).toEqual([]);
    },
  );
});

test('a group without order cannot halt, and is told so; nor is there anything between', async () => {
  const { messaging } = await openMessaging();
  const subscribe = (more: object) =>
    messaging.events.subscribe({ ...halting, ...more }, async () => undefined);
  await expect(subscribe({ ordering: 'none' })).rejects.toMatchObject({
    code: 'invalid',
    message: expect.stringContaining('use ordering "by-key", or "continue"'),
  });
  await expect(subscribe({ afterDeadLetter: 'stop' })).rejects.toMatchObject({
    code: 'invalid',
    message: expect.stringContaining('use "continue" or "halt"'),
  });
});
