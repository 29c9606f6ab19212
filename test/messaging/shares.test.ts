import { createMemoryDatabase, createMemoryStore } from '@waggle/adapter-memory';
import { MessagingError, silentLogger } from '@waggle/kernel';
import { onTestFinished, expect, test } from 'vitest';
import type { Shares, Store } from '@waggle/messaging';
import { createShares, virtualClock } from '@waggle/messaging';

const JOBS = Array.from({ length: 8 }, (_, job) => `job-${job}`);
const LEASE_MS = 3_000;

/** Members over one database, each with a store of its own, on one clock that stands still. */
function pool() {
  const clock = virtualClock();
  const database = createMemoryDatabase();
  async function join(member: string, change: (store: Store) => Store = (store) => store) {
    const store = createMemoryStore(database);
    await store.open();
    const changes: string[] = [];
    const shares = createShares({
      store: change(store),
      pool: 'test',
      jobs: JOBS,
      member,
      leaseMs: LEASE_MS,
      clock,
      logger: silentLogger,
      onChange: () => void changes.push(member),
    });
    await shares.start();
    onTestFinished(() => shares.stop());
    return { shares, store, changes };
  }
  return { clock, join };
}

const countOf = (shares: Shares): number => shares.held().size;
const jobsOf = (...all: readonly Shares[]): readonly string[] =>
  all.flatMap((shares) => [...shares.held().keys()]).toSorted();

test('one alone holds everything, and says so once', async () => {
  const { clock, join } = pool();
  const { shares, changes } = await join('one');
  await clock.advance(LEASE_MS * 5);
  expect(jobsOf(shares)).toEqual(JOBS);
  expect(new Set(shares.held().values())).toEqual(new Set([1]));
  expect(changes).toHaveLength(1);
});

test('those who come later get their part, no job has two holders, and each new holder another epoch', async () => {
  const { clock, join } = pool();
  const one = await join('one');
  const two = await join('two');
  for (let turn = 0; turn < 20; turn++) {
    await clock.advance(250);
    const held = jobsOf(one.shares, two.shares);
    expect(new Set(held).size).toBe(held.length);
  }
  expect([countOf(one.shares), countOf(two.shares)]).toEqual([4, 4]);
  expect(new Set(two.shares.held().values())).toEqual(new Set([2]));
});

test('what somebody gives back is free at once', async () => {
  const { clock, join } = pool();
  const one = await join('one');
  const two = await join('two');
  await clock.advance(LEASE_MS);
  await one.shares.stop();
  expect(countOf(one.shares)).toBe(0);
  await clock.advance(LEASE_MS / 3);
  expect(jobsOf(two.shares)).toEqual(JOBS);
});

test('what somebody held who is gone without a word is free after the lease, not before', async () => {
  const { clock, join } = pool();
  let dead = false;
  const died = (): Promise<never> => Promise.reject(new MessagingError('unavailable', 'gone'));
  const one = await join('one', (store) => ({
    ...store,
    commit: (scope, changes) => (dead ? died() : store.commit(scope, changes)),
  }));
  const two = await join('two');
  await clock.advance(LEASE_MS);
  dead = true;
  await clock.advance(LEASE_MS - 1_500);
  expect(countOf(two.shares)).toBe(4);
  await clock.advance(3_500);
  expect(jobsOf(two.shares)).toEqual(JOBS);
  expect(countOf(one.shares)).toBe(0);
});

test('who cannot renew stops by himself before anybody else begins', async () => {
  const { clock, join } = pool();
  let dead = false;
  const died = (): Promise<never> => Promise.reject(new MessagingError('unavailable', 'gone'));
  const one = await join('one', (store) => ({
    ...store,
    get: (...args) => (dead ? died() : store.get(...args)),
  }));
  const two = await join('two');
  await clock.advance(LEASE_MS);
  dead = true;
  for (let turn = 0; turn < 40; turn++) {
    await clock.advance(250);
    const held = jobsOf(one.shares, two.shares);
    expect(new Set(held).size).toBe(held.length);
  }
  expect(jobsOf(two.shares)).toEqual(JOBS);
  dead = false;
  await clock.advance(LEASE_MS * 2);
  expect([countOf(one.shares), countOf(two.shares)]).toEqual([4, 4]);
});
