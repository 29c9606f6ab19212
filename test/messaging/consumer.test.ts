import type { CloudEvent } from '@waggle/kernel';
import { createMessaging, type BrokerDriver } from '@waggle/messaging';
import { describe, expect, test } from 'vitest';
import { anEvent, GROUP, openMessaging, settle, TYPE } from './harness.ts';

const subscription = { group: GROUP, types: [TYPE] };
const never = (): Promise<never> => new Promise(() => undefined);

describe('a handler that takes too long', () => {
  test('is told so, and without order its message is tried again at once', async () => {
    const { messaging, clock, observations } = await openMessaging();
    const attempts: number[] = [];
    const aborted: boolean[] = [];
    await messaging.events.subscribe(
      { ...subscription, ordering: 'none', timeoutMs: 1_000 },
      async (_, { attempt, signal }) => {
        attempts.push(attempt);
        signal.addEventListener('abort', () => aborted.push(signal.aborted));
        if (attempt === 1) await never();
      },
    );
    await messaging.events.publish(anEvent());
    await settle(clock);
    await clock.advance(1_000);
    await settle(clock);
    expect(attempts).toEqual([1, 2]);
    expect(aborted).toEqual([true]);
    expect(observations.map(({ what }) => what)).toEqual(['published', 'timed-out', 'handled']);
  });

  test('is waited for as long again when its key has an order', async () => {
    const { messaging, clock } = await openMessaging();
    const attempts: number[] = [];
    await messaging.events.subscribe({ ...subscription, timeoutMs: 1_000 }, async (_, { attempt }) => {
      attempts.push(attempt);
      if (attempt === 1) await never();
    });
    await messaging.events.publish(anEvent({ partitionkey: 'k' }));
    await settle(clock);
    await clock.advance(1_500);
    await settle(clock);
    expect(attempts).toEqual([1]);
    await clock.advance(500);
    await settle(clock);
    expect(attempts).toEqual([1, 2]);
  });

  test('without a key has no order, also by key: its message is tried again at once', async () => {
    const { messaging, clock } = await openMessaging();
    const attempts: [number, number][] = [];
    const begun = clock.now();
    await messaging.events.subscribe({ ...subscription, timeoutMs: 1_000 }, async (_, { attempt }) => {
      attempts.push([attempt, clock.now() - begun]);
      if (attempt === 1) await never();
    });
    await messaging.events.publish(anEvent());
    await settle(clock);
    await clock.advance(1_500);
    expect(attempts).toEqual([
      [1, 0],
      [2, 1_000],
    ]);
  });
});

test('by key, a message that comes again while its handling still runs here waits for that', async () => {
  const { messaging, clock, broker } = await openMessaging();
  const gate = Promise.withResolvers<void>();
  const told: string[] = [];
  await messaging.events.subscribe(subscription, async ({ data }, { attempt }) => {
    told.push(`begin ${String(data)}#${attempt}`);
    if (data === 1 && attempt === 1) await gate.promise;
    told.push(`end ${String(data)}#${attempt}`);
  });
  await messaging.events.publish(
    anEvent({ data: 1, partitionkey: 'k' }),
    anEvent({ data: 2, partitionkey: 'k' }),
  );
  await settle(clock);
  broker.dropConnections();
  await settle(clock);
  expect(told).toEqual(['begin 1#1']);
  gate.resolve();
  await settle(clock);
  expect(told).toEqual(['begin 1#1', 'end 1#1', 'begin 1#2', 'end 1#2', 'begin 2#1', 'end 2#1']);
});

test('what waited here when its connection was lost is not begun: it comes again', async () => {
  const { messaging, clock, broker } = await openMessaging();
  const gate = Promise.withResolvers<void>();
  const told: string[] = [];
  await messaging.events.subscribe({ ...subscription, concurrency: 1 }, async ({ data }, { attempt }) => {
    told.push(`${String(data)}#${attempt}`);
    if (told.length === 1) await gate.promise;
  });
  // With 4 lanes, "a" and "b" are on different ones.
  await messaging.events.publish(anEvent({ data: 1, partitionkey: 'a' }));
  await settle(clock);
  await messaging.events.publish(anEvent({ data: 2, partitionkey: 'b' }));
  await settle(clock);
  broker.dropConnections();
  gate.resolve();
  await settle(clock);
  expect(told.toSorted()).toEqual(['1#1', '1#2', '2#2']);
});

test('a paused consumer hands back what it has not begun, and is not resumed by a drain', async () => {
  const { messaging, clock } = await openMessaging();
  const gate = Promise.withResolvers<void>();
  const told: unknown[] = [];
  const consumer = await messaging.events.subscribe({ ...subscription, concurrency: 1 }, async ({ data }) => {
    told.push(data);
    await gate.promise;
  });
  await messaging.events.publish(...['a', 'b'].map((key) => anEvent({ data: key, partitionkey: key })));
  await settle(clock);
  consumer.pause();
  const elsewhere: unknown[] = [];
  await messaging.events.subscribe(subscription, async ({ data }) => void elsewhere.push(data));
  await settle(clock);
  expect([...told, ...elsewhere]).toEqual(['a', 'b']);
  const draining = consumer.drain(1_000);
  consumer.resume();
  gate.resolve();
  await settle(clock);
  expect(await draining).toEqual({ finished: 1, abandoned: [] });
  await messaging.events.publish(anEvent({ data: 'c', partitionkey: 'a' }));
  await settle(clock);
  expect([told, elsewhere]).toEqual([['a'], ['b', 'c']]);
});

describe('a drain', () => {
  test('ends also where the broker never answers', async () => {
    const { driver, clock } = await openMessaging();
    const consume: BrokerDriver['consume'] = async (...asked) => {
      const consumer = await driver.consume(...asked);
      return { pause: () => consumer.pause(), resume: () => consumer.resume(), close: never };
    };
    const messaging = createMessaging({ driver: Object.assign(Object.create(driver), { consume }), clock });
    const consumer = await messaging.events.subscribe(subscription, never);
    const draining = consumer.drain(0);
    await settle(clock);
    await clock.advance(10_000);
    expect(await draining).toEqual({ finished: 0, abandoned: [] });
  });

  test('waits for what is being handled, takes nothing more, and is done once', async () => {
    const { messaging, clock } = await openMessaging();
    const finish = Promise.withResolvers<void>();
    const started: unknown[] = [];
    const handler = async ({ data }: CloudEvent): Promise<void> => {
      started.push(data);
      await finish.promise;
    };
    const consumer = await messaging.events.subscribe(
      { ...subscription, ordering: 'none', concurrency: 1 },
      handler,
    );
    await messaging.events.publish(anEvent({ data: 1 }), anEvent({ data: 2 }));
    await settle(clock);
    const draining = consumer.drain(5_000);
    expect(consumer.drain(1)).toBe(draining);
    finish.resolve();
    expect(await draining).toEqual({ finished: 1, abandoned: [] });
    expect(started).toEqual([1]);
  });

  test('cuts off what is not done within its budget, and says what that was', async () => {
    const { messaging, clock } = await openMessaging();
    const event = anEvent();
    let aborted = false;
    const consumer = await messaging.events.subscribe(subscription, (_, { signal }) => {
      signal.addEventListener('abort', () => (aborted = true));
      return never();
    });
    await messaging.events.publish(event);
    await settle(clock);
    const draining = consumer.drain(5_000);
    await settle(clock);
    await clock.advance(5_000);
    expect(await draining).toEqual({ finished: 0, abandoned: [event.id] });
    expect(aborted).toBe(true);
  });

  test('counts what ends because it was cut off as abandoned, and not as finished as well', async () => {
    const { messaging, driver, clock } = await openMessaging();
    const event = anEvent();
    const { consume } = driver;
    driver.consume = async (...args) => {
      const consumer = await consume(...args);
      // Over a network, leaving takes longer than a handler that gives up.
      return { ...consumer, close: () => settle(clock).then(() => consumer.close()) };
    };
    const consumer = await messaging.events.subscribe(subscription, (_, { signal }) => {
      return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    });
    await messaging.events.publish(event);
    await settle(clock);
    const draining = consumer.drain(0);
    await settle(clock);
    expect(await draining).toEqual({ finished: 0, abandoned: [event.id] });
  });
});

test('a paused consumer starts nothing until it is resumed', async () => {
  const { messaging, clock } = await openMessaging();
  const seen: unknown[] = [];
  const consumer = await messaging.events.subscribe(subscription, async ({ data }) => void seen.push(data));
  consumer.pause();
  await messaging.events.publish(anEvent({ data: 1 }));
  await settle(clock);
  expect(seen).toEqual([]);
  expect(await consumer.lag()).toBe(1);
  consumer.resume();
  await settle(clock);
  expect(seen).toEqual([1]);
  expect(await consumer.lag()).toBe(0);
});

test('by key, no more handlers run at once than the concurrency allows, however many lanes there are', async () => {
  const { messaging, clock } = await openMessaging();
  let running = 0;
  let most = 0;
  const gates: (() => void)[] = [];
  await messaging.events.subscribe({ ...subscription, concurrency: 2 }, async () => {
    most = Math.max(most, ++running);
    await new Promise<void>((resolve) => gates.push(resolve));
    running--;
  });
  await messaging.events.publish(...Array.from({ length: 12 }, (_, n) => anEvent({ partitionkey: `k${n}` })));
  for (let turn = 0; turn < 12; turn++) {
    await settle(clock);
    gates.shift()?.();
  }
  await settle(clock);
  expect([most, running]).toEqual([2, 0]);
});

test('what a consumer is told in options it does not know is refused', async () => {
  const { messaging } = await openMessaging();
  const wrong = { ...subscription, concurency: 3 };
  await expect(messaging.events.subscribe(wrong, never)).rejects.toThrow(
    '"concurency" is not an option: use group, types',
  );
  await expect(messaging.events.subscribe({ ...subscription, concurrency: 0 }, never)).rejects.toThrow(
    'concurrency is 0',
  );
  await expect(messaging.events.subscribe({ group: GROUP, types: [] }, never)).rejects.toThrow(
    'subscribes to no types',
  );
  await expect(messaging.events.subscribe({ group: 'Bad', types: [TYPE] }, never)).rejects.toMatchObject({
    code: 'invalid',
  });
});
