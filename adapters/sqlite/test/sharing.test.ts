import { symlinkSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { Added } from '@waggle/messaging';
import { append, event, foreign, message, newFile, newStore, openStore, otherProcess } from './setup.ts';

it('lets one of two processes win each version of a stream', async () => {
  const file = newFile();
  const children = [otherProcess(file), otherProcess(file)];
  await Promise.all(children.map((child) => child.heard('ready')));
  const done = Promise.all(children.map((child) => child.heard('done')));
  for (const child of children) child.send(300);
  await done;
  const store = await openStore(file);
  const events = await store.readStream('s', 'count-1', {});
  expect(events.map(({ version }) => version)).toEqual(Array.from({ length: 600 }, (_, at) => at + 1));
});

it('lets one of two stores win a version, and tells the other what it is', async () => {
  const file = newFile();
  const stores = await Promise.all([openStore(file), openStore(file)]);
  const outcomes = await Promise.all(stores.map((store) => store.commit('s', append('count-1', 0, event()))));
  expect(outcomes).toEqual([
    { outcome: 'committed', versions: [1] },
    { outcome: 'conflict', stream: { index: 0, actual: 1 } },
  ]);
});

it('waits for another writer, does what else there is to do meanwhile, and goes on', async () => {
  const file = newFile();
  const store = await openStore(file);
  await store.commit('s', append('count-1', 0, event()));
  const other = foreign(file, 'BEGIN IMMEDIATE');
  const committing = store.commit('s', append('count-1', 1, event()));
  expect(await store.readStream('s', 'count-1', {})).toHaveLength(1);
  other.exec('COMMIT');
  expect(await committing).toEqual({ outcome: 'committed', versions: [2] });
});

it('says so when another writer does not end, and goes on when it has', async () => {
  const file = newFile();
  const store = await openStore(file, { requestTimeoutMs: 30 });
  const other = foreign(file, 'BEGIN IMMEDIATE');
  const waited = { code: 'timeout', retryable: true, message: expect.stringContaining(file) };
  await expect(store.commit('s', append('count-1', 0, event()))).rejects.toMatchObject(waited);
  await expect(store.startHandling('c', 'm', 1)).rejects.toMatchObject(waited);
  await expect(store.removeFromOutbox([1])).rejects.toMatchObject(waited);
  other.exec('ROLLBACK');
  expect(await store.commit('s', append('count-1', 0, event()))).toMatchObject({ outcome: 'committed' });
});

it('gives up waiting for another writer when it is closed', async () => {
  const file = newFile();
  const store = await openStore(file);
  foreign(file, 'BEGIN IMMEDIATE');
  const committing = store.commit('s', append('count-1', 0, event()));
  const refused = expect(committing).rejects.toMatchObject({ code: 'closed' });
  await store.close();
  await refused;
});

it('can be read while another process is writing', async () => {
  const file = newFile();
  const store = await openStore(file);
  await store.commit('s', { ...append('count-1', 0, event()), outbox: [message('1')] });
  foreign(file, 'BEGIN IMMEDIATE; DELETE FROM outbox; DELETE FROM events');
  expect(await store.readStream('s', 'count-1', {})).toHaveLength(1);
  expect((await store.outbox({ after: 0, limit: 9 })).entries).toHaveLength(1);
  expect(await store.releaseDue(1, 1)).toEqual({ nextMs: undefined });
  await store.check();
});

it('hears of the commits of other stores of this process on the same file, by whatever name, until it is closed', async () => {
  const file = newFile();
  const link = `${file}-link`;
  const heard: Added[] = [];
  const writer = await openStore(file);
  symlinkSync(file, link);
  const listener = newStore(link);
  listener.onCommit((added) => heard.push(added));
  await listener.open();
  const elsewhere = await openStore(newFile());
  await elsewhere.commit('s', { timeMs: 1, outbox: [message('1')] });

  await writer.commit('s', append('count-1', 0, event()));
  await writer.commit('s', { timeMs: 1, schedule: [{ id: 'a', due: { atMs: 1, message: message('1') } }] });
  await writer.releaseDue(1, 9);
  await writer.commit('s', append('count-1', 0)); // a conflict
  expect(heard).toEqual(['events', 'schedule', 'outbox']);

  await listener.close();
  await writer.commit('s', { timeMs: 1, outbox: [message('2')] });
  expect(heard).toHaveLength(3);
});

it('opens, closes and opens again as often as it is told', async () => {
  const file = newFile();
  const store = newStore(file);
  await expect(store.check()).rejects.toMatchObject({ code: 'closed' });
  await Promise.all([store.open(), store.open()]);
  await store.open();
  await store.commit('s', append('count-1', 0, event()));
  await store.close();
  await store.close();
  await expect(store.readStream('s', 'count-1', {})).rejects.toMatchObject({ code: 'closed' });
  await store.open();
  expect(await store.readStream('s', 'count-1', {})).toHaveLength(1);
});
