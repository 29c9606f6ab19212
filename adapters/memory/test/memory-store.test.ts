import { beforeEach, describe, expect, it } from 'vitest';
import type { Changes, OutboxMessage, Store } from '@waggle/messaging';
import { createMemoryStore } from '../src/index.ts';

const nothing: Changes = { documents: [], outbox: [] };
const order = (id: string, value: unknown, expectedVersion: number) => ({
  collection: 'orders',
  id,
  value,
  expectedVersion,
});
const event = (id: string): OutboxMessage => ({
  kind: 'event',
  message: { specversion: '1.0', id, source: '/ordering', type: 'ordering.order-placed.v1', data: { id } },
});

let store: Store;
beforeEach(async () => {
  store = createMemoryStore();
  await store.open();
});

describe('documents', () => {
  it('start at version 1 and go up, one winner a version', async () => {
    const write = (version: number) =>
      store.commit('s', { ...nothing, documents: [order('1', version, version)] });
    expect(await Promise.all([write(0), write(0)])).toEqual(['committed', 'conflict']);
    expect(await write(1)).toBe('committed');
    expect(await write(1)).toBe('conflict');
    expect(await write(5)).toBe('conflict');
    expect(await store.get('s', 'orders', '1')).toEqual({ id: '1', value: 1, version: 2 });
  });

  it('are listed in the order of first writing, and known in their scope alone', async () => {
    await store.commit('s', { ...nothing, documents: [order('b', 1, 0), order('a', 1, 0)] });
    await store.commit('s', { ...nothing, documents: [order('b', 2, 1)] });
    const listed = await store.list('s', 'orders');
    expect(listed.map(({ id, version }) => `${id}${version}`)).toEqual(['b2', 'a1']);
    expect(await store.list('other', 'orders')).toEqual([]);
    expect(await store.get('s', 'others', 'a')).toBeUndefined();
  });

  it('are isolated from what was written and from what was read', async () => {
    const value = { lines: [1] };
    const committing = store.commit('s', { ...nothing, documents: [order('1', value, 0)] });
    value.lines.push(2);
    await committing;
    const read = await store.get('s', 'orders', '1');
    Object.assign(Object(read?.value), { lines: 'changed' });
    expect((await store.list('s', 'orders'))[0]?.value).toEqual({ lines: [1] });
  });
});

describe('a commit', () => {
  it.each<[string, Changes['documents']]>([
    ['one document of several conflicts', [order('2', 1, 0), order('1', 2, 0)]],
    ['a document is written twice', [order('2', 1, 0), order('2', 2, 0)]],
  ])('writes nothing at all when %s', async (_, documents) => {
    await store.commit('s', { ...nothing, documents: [order('1', 1, 0)] });
    const inbox = { consumer: 'c', messageId: 'm' };
    expect(await store.commit('s', { documents, outbox: [event('e')], inbox })).toBe('conflict');
    expect(await store.get('s', 'orders', '2')).toBeUndefined();
    expect(await store.outbox(0, 10)).toEqual([]);
    expect(await store.handled('c', 'm')).toBe(false);
  });

  it('refuses what cannot be stored, and writes nothing of it', async () => {
    const documents = [order('1', 1, 0), order('2', { run: () => undefined }, 0)];
    await expect(store.commit('s', { ...nothing, documents })).rejects.toMatchObject({ code: 'invalid' });
    expect(await store.list('s', 'orders')).toEqual([]);
  });

  it('has the effect of a message once for each consumer', async () => {
    const handle = (consumer: string, id: string) =>
      store.commit('s', { ...nothing, documents: [order(id, 1, 0)], inbox: { consumer, messageId: 'm' } });
    expect(await handle('a.one', '1')).toBe('committed');
    expect(await handle('a.one', '2')).toBe('duplicate');
    expect(await handle('a.two', '3')).toBe('committed');
    expect(await store.handled('a.one', 'm')).toBe(true);
    expect(await store.get('s', 'orders', '2')).toBeUndefined();
  });
});

describe('the outbox', () => {
  it('keeps the order of commits over all scopes, and gives each entry a place for good', async () => {
    await store.commit('a', { ...nothing, outbox: [event('1'), event('2')] });
    await store.commit('b', { ...nothing, outbox: [event('3')] });
    await store.commit('a', { ...nothing, outbox: [event('4')] });
    const ids = async (after: number, limit: number) =>
      (await store.outbox(after, limit)).map(({ position, message }) => `${position}:${message.id}`);
    expect(await ids(0, 3)).toEqual(['1:1', '2:2', '3:3']);
    await store.removeFromOutbox([2, 2, 99]);
    expect(await ids(1, 3)).toEqual(['3:3', '4:4']);
    await store.removeFromOutbox([1, 3, 4]);
    expect(await ids(0, 3)).toEqual([]);
    await store.commit('a', { ...nothing, outbox: [event('5')] });
    expect(await ids(0, 3)).toEqual(['5:5']);
  });

  it('stays quick with a hundred thousand entries', async () => {
    const outbox = Array.from({ length: 1_000 }, (_, at) => event(String(at)));
    for (let commit = 0; commit < 100; commit++) await store.commit('s', { ...nothing, outbox });
    let handled = 0;
    for (let after = 0; ;) {
      const entries = await store.outbox(after, 500);
      if (entries.length === 0) break;
      handled += entries.length;
      after = entries.at(-1)?.position ?? 0;
      await store.removeFromOutbox(entries.map(({ position }) => position));
    }
    expect(handled).toBe(100_000);
  });

  it('wakes its relay after a commit, never inside it, and only for messages', async () => {
    const woken: string[] = [];
    const stop = store.onOutbox(() => woken.push('awake'));
    const committing = store.commit('s', { ...nothing, outbox: [event('1')] });
    expect(woken).toEqual([]);
    await committing;
    await store.commit('s', { ...nothing, documents: [order('1', 1, 0)] });
    await store.commit('s', { ...nothing, outbox: [event('2')], inbox: { consumer: 'c', messageId: 'm' } });
    await store.commit('s', { ...nothing, outbox: [event('2')], inbox: { consumer: 'c', messageId: 'm' } });
    expect(woken).toEqual(['awake', 'awake']);
    stop();
    await store.commit('s', { ...nothing, outbox: [event('3')] });
    expect(woken).toHaveLength(2);
  });
});

describe('the life cycle', () => {
  it('refuses work before open and after close, and keeps everything for the next open', async () => {
    await expect(createMemoryStore().list('s', 'orders')).rejects.toMatchObject({ code: 'closed' });
    await store.commit('s', { ...nothing, documents: [order('1', 1, 0)] });
    await store.close();
    await store.close();
    await expect(store.commit('s', nothing)).rejects.toMatchObject({ code: 'closed' });
    await store.open();
    expect(await store.list('s', 'orders')).toHaveLength(1);
  });

  it('says whether it can be used', async () => {
    await expect(store.check()).resolves.toBeUndefined();
    await expect(createMemoryStore().check()).rejects.toMatchObject({ code: 'closed' });
    await store.close();
    await expect(store.check()).rejects.toMatchObject({ code: 'closed' });
  });
});
