import type { BrokerDriver, LogPosition } from '@waggle/messaging';
import { describe, expect, test } from 'vitest';
import { event, publish, useServer } from './harness.ts';

const bench = useServer();

async function readAll(driver: BrokerDriver, from: LogPosition) {
  const read: [string | undefined, string][] = [];
  for await (const { message, position } of driver.read({ kind: 'stream' }, { from, follow: false })) {
    read.push([message.id, position]);
  }
  return read;
}

async function streamOf(namespace: string) {
  const raw = await bench.raw();
  const { streams, consumers } = await raw.jetstreamManager();
  return {
    purge: (before: number) => streams.purge(`${namespace}_evt`, { seq: before }),
    consumers: async () => (await consumers.list(`${namespace}_evt`).next()).map(({ name }) => name),
    remove: (position: number) => streams.deleteMessage(`${namespace}_evt`, position),
  };
}

describe('reading a log', () => {
  test('gives everything from the beginning, nothing from new, and the rest from behind a position', async () => {
    const driver = await bench.open();
    expect(await readAll(driver, 'beginning')).toEqual([]);
    await publish(
      driver,
      event({ id: 'a' }),
      event({ id: 'b', lane: 3 }),
      event({ id: 'c', lane: 'unordered' }),
    );
    const all = await readAll(driver, 'beginning');
    expect(all.map(([id]) => id)).toEqual(['a', 'b', 'c']);
    expect(await readAll(driver, { after: all[0]?.[1] ?? '' })).toEqual(all.slice(1));
    expect(await readAll(driver, { after: all[2]?.[1] ?? '' })).toEqual([]);
    expect(await readAll(driver, 'new')).toEqual([]);
  });

  test('refuses a position that is past the head, discarded, or none', async () => {
    const namespace = bench.namespace();
    const driver = await bench.open({ namespace });
    await publish(driver, event(), event({ id: 'b' }), event({ id: 'c' }));
    await (await streamOf(namespace)).purge(3);
    expect(await readAll(driver, 'beginning')).toEqual([['c', '3']]);
    expect(await readAll(driver, { after: '3' })).toEqual([]);
    await expect(readAll(driver, { after: '2' })).rejects.toMatchObject({ code: 'out-of-range' });
    await expect(readAll(driver, { after: '4' })).rejects.toMatchObject({ code: 'out-of-range' });
    await expect(readAll(driver, { after: 'here' })).rejects.toMatchObject({ code: 'invalid' });
  });

  test('ends at the head as it was when the reading began', async () => {
    const driver = await bench.open();
    await publish(driver, event({ id: 'a' }), event({ id: 'b' }));
    const read: unknown[] = [];
    for await (const { message } of driver.read({ kind: 'stream' }, { from: 'beginning', follow: false })) {
      read.push(message.id);
      await publish(driver, event({ id: `after ${String(message.id)}` }));
    }
    expect(read).toEqual(['a', 'b']);
  });

  test('that follows goes on with what comes until it is aborted, and makes nothing on the server', async () => {
    const namespace = bench.namespace();
    const driver = await bench.open({ namespace });
    const stream = await streamOf(namespace);
    await publish(driver, event({ id: 'a' }));
    const abort = new AbortController();
    const entries = driver.read(
      { kind: 'stream' },
      { from: 'beginning', follow: true, signal: abort.signal },
    );
    const reader = entries[Symbol.asyncIterator]();
    expect((await reader.next()).value?.message.id).toBe('a');
    const second = reader.next();
    await publish(driver, event({ id: 'b' }));
    expect((await second).value?.message.id).toBe('b');
    const third = reader.next();
    await publish(driver, event({ id: 'c' }));
    expect((await third).value?.message.id).toBe('c');
    const last = reader.next();
    expect(await stream.consumers()).toEqual([]);
    abort.abort();
    expect((await last).done).toBe(true);
  });

  test('passes over what an administrator removed, also at the end', async () => {
    const namespace = bench.namespace();
    const driver = await bench.open({ namespace });
    await publish(driver, ...['a', 'b', 'c', 'd'].map((id) => event({ id })));
    const { remove } = await streamOf(namespace);
    await remove(2);
    await remove(4);
    expect((await readAll(driver, 'beginning')).map(([id]) => id)).toEqual(['a', 'c']);
  });

  test('tells a reader that follows and fell behind what is kept', async () => {
    const namespace = bench.namespace();
    const driver = await bench.open({ namespace });
    await publish(driver, ...Array.from({ length: 100 }, (_, index) => event({ id: `n${index}` })));
    const reader = driver
      .read({ kind: 'stream' }, { from: 'beginning', follow: true })
      [Symbol.asyncIterator]();
    await reader.next();
    await (await streamOf(namespace)).purge(90);
    const readOn = async (): Promise<void> => {
      while ((await reader.next()).done !== true);
    };
    await expect(readOn()).rejects.toMatchObject({ code: 'out-of-range' });
  });

  test('that follows ends with closed when the driver closes', async () => {
    const driver = await bench.open();
    const next = driver
      .read({ kind: 'stream' }, { from: 'beginning', follow: true })
      [Symbol.asyncIterator]()
      .next();
    const outcome = expect(next).rejects.toMatchObject({ code: 'closed' });
    await driver.describe();
    await driver.close();
    await outcome;
  });
});
