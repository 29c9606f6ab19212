import { once } from 'node:events';
import { expect, it } from 'vitest';
import { append, event, message, newFile, openStore, otherProcess } from './setup.ts';

it('has everything again when the file is opened again', async () => {
  const file = newFile();
  const store = await openStore(file);
  await store.commit('s', {
    timeMs: 7,
    streams: [{ stream: 'order-1', expected: 0, events: [event({ id: 'e1', data: '{"a":1}' })] }],
    documents: [{ collection: 'orders', id: 'o', value: '{"b":2}', expectedVersion: 0 }],
    outbox: [{ ...message('m1', 3), key: 'k', body: '{"c":3}' }],
    schedule: [{ id: 'later', due: { atMs: 50, message: message('m2') } }],
    inbox: { consumer: 'c', messageId: 'm0' },
  });
  await store.startHandling('c', 'x', 8);
  await store.failHandling('c', 'x', 9);
  await store.close();

  const again = await openStore(file);
  expect(await again.readStream('s', 'order-1', {})).toEqual([
    { ...event({ id: 'e1', data: '{"a":1}' }), stream: 'order-1', version: 1, position: 1, timeMs: 7 },
  ]);
  expect(await again.get('s', 'orders', 'o')).toEqual({
    id: 'o',
    value: '{"b":2}',
    version: expect.any(Number),
  });
  expect(await again.outbox({ after: 0, limit: 9 })).toEqual({
    entries: [{ ...message('m1', 3), key: 'k', body: '{"c":3}', position: 1 }],
    head: 1,
  });
  expect(await again.releaseDue(49, 9)).toEqual({ nextMs: 50 });
  expect(await again.handled('c', 'm0')).toBe(true);
  expect(await again.startHandling('c', 'x', 10)).toEqual({ handled: false, started: 2, failed: 1 });
});

it('has what was committed before its process was killed', async () => {
  const file = newFile();
  const child = otherProcess(file);
  await child.heard('ready');
  child.send(1_000_000);
  await child.heard({ appended: 200 });
  child.kill('SIGKILL');
  await once(child, 'exit');

  const store = await openStore(file);
  const events = await store.readStream('s', 'count-1', {});
  expect(events.length).toBeGreaterThanOrEqual(200);
  expect(events.map(({ version }) => version)).toEqual(events.map((_, index) => index + 1));
  expect(await store.commit('s', append('count-1', events.length, event()))).toMatchObject({
    outcome: 'committed',
  });
});

it('gives no position of the outbox twice, even when the last row is gone and the file is opened again', async () => {
  const file = newFile();
  const store = await openStore(file);
  await store.commit('s', { timeMs: 1, outbox: [message('1'), message('2')] });
  await store.removeFromOutbox([1, 2]);
  expect(await store.outbox({ after: 0, limit: 9 })).toEqual({ entries: [], head: 0 });
  await store.close();
  const again = await openStore(file);
  await again.commit('s', { timeMs: 1, outbox: [message('3')] });
  const { entries, head } = await again.outbox({ after: 0, limit: 9 });
  expect(entries.map(({ id, position }) => [id, position])).toEqual([['3', 3]]);
  expect(head).toBe(3);
});

it('gives no position of an event twice, and no id, even when all but the last of its stream are truncated', async () => {
  const file = newFile();
  const store = await openStore(file);
  await store.commit('s', append('order-1', 0, event({ id: 'a' }), event({ id: 'b' })));
  const truncate = { stream: 'order-1', expected: 'any', events: [], truncateBefore: 99 } as const;
  await store.commit('s', { timeMs: 1, streams: [truncate] });
  await store.close();

  const again = await openStore(file);
  expect((await again.readStream('s', 'order-1', {})).map(({ id }) => id)).toEqual(['b']);
  // The whole of the append again is a repeat; in another stream the id is taken.
  const repeated = await again.commit('s', append('order-1', 0, event({ id: 'a' }), event({ id: 'b' })));
  expect(repeated).toEqual({ outcome: 'committed', versions: [2] });
  const elsewhere = again.commit('s', append('order-2', 0, event({ id: 'a' })));
  await expect(elsewhere).rejects.toMatchObject({ code: 'invalid' });
  await again.commit('s', append('order-1', 2, event({ id: 'c' })));
  const { events } = await again.readAll('s', { after: 0, limit: 9 });
  expect(events.map(({ id, version, position }) => [id, version, position])).toEqual([
    ['b', 2, 2],
    ['c', 3, 3],
  ]);
});
