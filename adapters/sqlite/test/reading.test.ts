import { beforeEach, expect, it } from 'vitest';
import type { Store } from '@waggle/messaging';
import { append, event, message, newFile, openStore } from './setup.ts';

/** More than three blocks of the index, and no multiple of one. */
const MANY = 900;

let store: Store;
beforeEach(async () => {
  store = await openStore(newFile());
});

const appendMany = (scope: string, stream: string, count: number) =>
  store.commit(scope, append(stream, 'any', ...Array.from({ length: count }, () => event())));

async function positions(
  scope: string,
  category: string | undefined,
  limit: number,
): Promise<readonly number[]> {
  const found: number[] = [];
  for (let after = 0; ;) {
    const { events, position } = await store.readAll(scope, { after, category, limit });
    found.push(...events.map((each) => each.position));
    after = position;
    if (events.length < limit) return found;
  }
}

it('finds what is rare among many others, in order, wherever it stands', async () => {
  const rare: number[] = [];
  let at = 0;
  for (const count of [0, 254, 0, 0, 255, 1, MANY, 254]) {
    if (count > 0) await appendMany('s', 'often-1', count);
    await appendMany('s', 'seldom-1', 1);
    rare.push((at += count + 1));
  }
  await appendMany('s', 'often-1', 10);
  at += 10;
  expect(await positions('s', 'seldom', 3)).toEqual(rare);
  expect(await positions('s', undefined, 100)).toEqual(Array.from({ length: at }, (_, index) => index + 1));
  for (const after of rare) {
    const { events } = await store.readAll('s', { after: after - 1, category: 'seldom', limit: 1 });
    expect(events[0]?.position).toBe(after);
  }
});

it('keeps scopes apart, and categories whose names begin alike', async () => {
  await appendMany('s', 'order-1', 2);
  await appendMany('other', 'order-1', 3);
  await appendMany('s', 'orders-1', 1);
  await appendMany('s', 'order-2-3', 1);
  expect(await positions('s', 'order', 10)).toEqual([1, 2, 7]);
  expect(await positions('other', undefined, 10)).toEqual([3, 4, 5]);
  expect(await positions('nobody', undefined, 10)).toEqual([]);
});

it('does not go through the same again for a reader that found nothing', async () => {
  await appendMany('s', 'order-1', MANY);
  expect(await store.readAll('s', { after: 0, category: 'refund', limit: 10 })).toEqual({
    events: [],
    position: MANY,
  });
  expect(await store.readAll('s', { after: MANY + 5, limit: 10 })).toEqual({
    events: [],
    position: MANY + 5,
  });
  expect((await store.readAll('s', { after: 0, limit: 10 })).position).toBe(10);
});

it('reads one category without a look at the others, and one stream without a look at its neighbours', async () => {
  await appendMany('s', 'seldom-1', 1);
  for (let round = 0; round < 50; round++) await appendMany('s', `often-${round}`, 2_000);
  await appendMany('s', 'seldom-1', 1);
  const beganMs = performance.now();
  for (let round = 0; round < 100; round++) {
    await store.readAll('s', { after: 0, category: 'seldom', limit: 10 });
    await store.readStream('s', 'seldom-1', {});
  }
  // Through all of them it would be 10,000,000 rows.
  expect(performance.now() - beganMs).toBeLessThan(2_000);
});

it('removes thousands from the outbox at once, and gives what is left of some partitions', async () => {
  const outbox = Array.from({ length: 5_000 }, (_, at) => message(`m${at}`, at % 16));
  await store.commit('s', { timeMs: 1, outbox });
  await store.removeFromOutbox(Array.from({ length: 4_990 }, (_, at) => at + 1));
  await store.removeFromOutbox([]);
  const { entries, head } = await store.outbox({ after: 0, limit: 100, partitions: [0, 15, 99] });
  expect(entries.map(({ partition, position }) => [partition, position])).toEqual([
    [15, 4_992],
    [0, 4_993],
  ]);
  expect(head).toBe(5_000);
  expect((await store.outbox({ after: 0, limit: 100, partitions: [] })).entries).toEqual([]);
});

it('releases what is due by its time, what is due at the same time in the order in which it was scheduled', async () => {
  const schedule = (id: string, atMs: number) => ({ id, due: { atMs, message: message(id) } });
  await store.commit('s', {
    timeMs: 1,
    schedule: [schedule('c', 20.5), schedule('b', 10), schedule('a', 10), schedule('z', 99), { id: 'z' }],
  });
  expect(await store.releaseDue(15, 1)).toEqual({ nextMs: 10 });
  expect(await store.releaseDue(15, 9)).toEqual({ nextMs: 20.5 });
  expect(await store.releaseDue(21, 9)).toEqual({ nextMs: undefined });
  const { entries } = await store.outbox({ after: 0, limit: 9 });
  expect(entries.map(({ id }) => id)).toEqual(['b', 'a', 'c']);
});

it('keeps any text as it was given', async () => {
  const text = JSON.stringify('nul \u0000, quote \' ", umlaut ü, emoji 🐝');
  const id = 'zero\0byte';
  await store.commit('s', {
    ...append('order-ü', 0, event({ id, data: text })),
    documents: [{ collection: 'c', id, value: text, expectedVersion: 'any' }],
  });
  expect(await store.readStream('s', 'order-ü', {})).toMatchObject([{ id, data: text }]);
  expect(await store.list('s', 'c')).toEqual([{ id, value: text, version: expect.any(Number) }]);
});
