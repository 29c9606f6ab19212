import type { CloudEvent } from '@waggle/kernel';
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
});

describe('a drain', () => {
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
