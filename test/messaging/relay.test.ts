import { createMemoryStore } from '@waggle/adapter-memory';
import { MessagingError, silentLogger } from '@waggle/kernel';
import { expect, onTestFinished, test } from 'vitest';
import type { Publishing } from '@waggle/messaging';
import { createRelay, systemClock, virtualClock } from '@waggle/messaging';
import { anEvent, outboxOf, waiting } from './harness.ts';

type Answer = (batch: readonly Publishing[]) => Promise<readonly (MessagingError | undefined)[]>;

/** A relay over a store in memory and a broker that answers as told; remembers what it was sent, in order. */
async function openRelay(answer: Answer) {
  const store = createMemoryStore();
  await store.open();
  const batches: (readonly Publishing[])[] = [];
  const publisher = {
    encode: () => '',
    publish(batch: readonly Publishing[]) {
      batches.push(batch);
      return answer(batch);
    },
  };
  const relay = createRelay({ store, publisher, clock: systemClock, logger: silentLogger });
  onTestFinished(async () => void (await relay.stop(0)));
  const commit = (...messages: readonly Publishing['message'][]) =>
    store.commit('testing', { timeMs: 0, outbox: messages.map(waiting) });
  const sent = () => batches.flat().map(({ message }) => message.data);
  return {
    store,
    relay,
    commit,
    batches,
    sent,
    isEmpty: async () => (await outboxOf(store)).length === 0,
  };
}

const confirm: Answer = async (batch) => batch.map(() => undefined);
const unavailable = new MessagingError('unavailable', 'down');

test('messages leave in the order of their commits, one of a key at a time', async () => {
  const { relay, commit, batches, sent, isEmpty } = await openRelay(confirm);
  await commit(
    anEvent({ partitionkey: 'a', data: 1 }),
    anEvent({ partitionkey: 'b', data: 2 }),
    anEvent({ partitionkey: 'a', data: 3 }),
  );
  relay.start();
  await expect.poll(isEmpty).toBe(true);
  expect(sent()).toEqual([1, 2, 3]);
  for (const batch of batches) {
    const keys = batch.map(({ message }) => message.partitionkey);
    expect(new Set(keys).size).toBe(keys.length);
  }
});

test('a commit wakes the relay', async () => {
  const { relay, commit, isEmpty, sent } = await openRelay(confirm);
  relay.start();
  await commit(anEvent({ data: 'later' }));
  await expect.poll(isEmpty).toBe(true);
  expect(sent()).toEqual(['later']);
});

test('a key that fails waits alone, keeps its order, and nothing is lost', async () => {
  let down = true;
  const { relay, commit, sent, isEmpty, store } = await openRelay(async (batch) =>
    batch.map(({ message }) => (down && message.partitionkey === 'bad' ? unavailable : undefined)),
  );
  await commit(
    anEvent({ partitionkey: 'bad', data: 1 }),
    anEvent({ partitionkey: 'bad', data: 2 }),
    anEvent({ partitionkey: 'good', data: 3 }),
  );
  relay.start();
  await expect.poll(async () => (await outboxOf(store)).map(({ data }) => data)).toEqual([1, 2]);
  expect(sent()).not.toContain(2);
  down = false;
  await expect.poll(isEmpty, { timeout: 5_000 }).toBe(true);
  expect(
    sent()
      .filter((data) => data !== 3)
      .slice(-2),
  ).toEqual([1, 2]);
});

test('a message is removed only after its confirmation: killed in between, it is published again', async () => {
  const published = Promise.withResolvers<void>();
  const end = Promise.withResolvers<readonly MessagingError[]>();
  const first = await openRelay(() => {
    published.resolve();
    return end.promise;
  });
  await first.commit(anEvent({ data: 1 }));
  first.relay.start();
  await published.promise;
  expect(await first.isEmpty()).toBe(false);
  const publisher = { encode: () => '', publish: confirm };
  const second = createRelay({
    store: first.store,
    publisher,
    clock: systemClock,
    logger: silentLogger,
    leaseMs: 300,
  });
  second.start();
  await expect.poll(first.isEmpty).toBe(true);
  expect(await second.stop(0)).toBe(0);
  end.resolve([unavailable]);
});

test('stopping sends what is there while the budget lasts, and says what is left', async () => {
  const open = await openRelay(confirm);
  open.relay.start();
  await open.commit(anEvent(), anEvent());
  expect(await open.relay.stop(1_000)).toBe(0);
  const shut = await openRelay(async (batch) => batch.map(() => unavailable));
  shut.relay.start();
  await shut.commit(anEvent(), anEvent());
  expect(await shut.relay.stop(1_000)).toBe(2);
});

test('a key whose messages another relay published keeps nobody awake', async () => {
  const clock = virtualClock();
  const store = createMemoryStore();
  await store.open();
  const publish: Answer = async (batch) => batch.map(() => unavailable);
  const publisher = { encode: () => '', publish };
  await store.commit('testing', { timeMs: 0, outbox: [waiting(anEvent())] });
  const relay = createRelay({ store, publisher, clock, logger: silentLogger, pollMs: 1_000 });
  relay.start();
  await clock.advance(0);
  await store.removeFromOutbox(
    (await store.outbox({ after: 0, limit: 10 })).entries.map(({ position }) => position),
  );
  await clock.advance(1_000);
  let looks = 0;
  const { outbox } = store;
  store.outbox = (options) => (looks++, outbox(options));
  await clock.advance(5_000);
  expect(looks).toBe(5);
  expect(await relay.stop(0)).toBe(0);
});

test('a key that fails is tried again later and later, and its success is forgotten trouble', async () => {
  const clock = virtualClock(0);
  const store = createMemoryStore();
  await store.open();
  const tries: number[] = [];
  let down = true;
  const publish: Answer = async (batch) => {
    if (batch.length > 0) tries.push(clock.now());
    return batch.map(() => (down ? unavailable : undefined));
  };
  const publisher = { encode: () => '', publish };
  const commit = () =>
    store.commit('testing', { timeMs: 0, outbox: [waiting(anEvent({ partitionkey: 'a' }))] });
  await commit();
  const relay = createRelay({ store, publisher, clock, logger: silentLogger });
  relay.start();
  await clock.advance(1_500);
  expect(tries).toEqual([0, 100, 300, 700, 1_500]);
  down = false;
  await clock.advance(1_600);
  expect(tries.slice(5)).toEqual([3_100]);
  down = true;
  await commit();
  await clock.advance(100);
  expect(tries.slice(6)).toEqual([3_100, 3_200]);
  await relay.stop(0);
});

test('a store that is away is asked ever less often, whatever is due', async () => {
  const clock = virtualClock();
  const store = createMemoryStore();
  await store.open();
  const publisher = { encode: () => '', publish: confirm };
  let failures = 0;
  const logger = { ...silentLogger, error: () => void failures++ };
  const relay = createRelay({ store, publisher, clock, logger });
  relay.start();
  await clock.advance(0);
  store.releaseDue = () => Promise.reject(new MessagingError('unavailable', 'away'));
  store.outbox = () => Promise.reject(new MessagingError('unavailable', 'away'));
  await clock.advance(10_000);
  expect(failures).toBeGreaterThan(5);
  expect(failures).toBeLessThan(25);
  await relay.stop(0).catch(() => undefined);
});

test('a store that fails for a while stops nothing for good', async () => {
  const clock = virtualClock();
  const store = createMemoryStore();
  await store.open();
  const publisher = { encode: () => '', publish: confirm };
  const errors: string[] = [];
  const logger = { ...silentLogger, error: (message: string) => void errors.push(message) };
  const relay = createRelay({ store, publisher, clock, logger });
  await store.commit('testing', { timeMs: 0, outbox: [waiting(anEvent())] });
  await store.close();
  relay.start();
  await clock.advance(2_000);
  expect(errors.length).toBeGreaterThan(0);
  await store.open();
  await clock.advance(1_000);
  expect(await outboxOf(store)).toEqual([]);
  await relay.stop(0);
});

test('stopping keeps its budget, whatever the broker is doing, and what is left stays in the outbox', async () => {
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<readonly undefined[]>();
  const { relay, commit, isEmpty } = await openRelay(() => {
    asked.resolve();
    return answer.promise;
  });
  await commit(anEvent({ data: 1 }));
  relay.start();
  await asked.promise;
  const since = performance.now();
  expect(await relay.stop(50)).toBe(1);
  expect(performance.now() - since).toBeLessThan(5_000);
  expect(await isEmpty()).toBe(false);
  answer.resolve([undefined]);
  await expect.poll(isEmpty).toBe(true);
});

test('a flood of keys that fail does not end the relay', async () => {
  const denied = new MessagingError('denied', 'no');
  let refuse = true;
  const { relay, store, isEmpty, batches } = await openRelay(async (batch) =>
    batch.map(() => (refuse ? denied : undefined)),
  );
  const outbox = Array.from({ length: 150_000 }, () => waiting(anEvent()));
  await store.commit('testing', { timeMs: 0, outbox });
  relay.start();
  const asked = (): number => batches.reduce((sum, { length }) => sum + length, 0);
  await expect.poll(() => asked() >= 150_000, { timeout: 60_000 }).toBe(true);
  refuse = false;
  await expect.poll(isEmpty, { timeout: 60_000 }).toBe(true);
});
