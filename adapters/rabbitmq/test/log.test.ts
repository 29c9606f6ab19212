import { describe, expect, it } from 'vitest';
import type { BrokerDriver, LogEntry, LogPosition } from '@waggle/messaging';
import { useServer, failure, message, mustPublish, uniqueNamespace } from './harness.ts';
import { closeConnections } from '../testing/server.ts';

const rabbitmq = useServer();
const { stable } = rabbitmq;

async function readAll(
  driver: BrokerDriver,
  from: LogPosition = 'beginning',
  kind: 'stream' | 'dead-letters' = 'stream',
): Promise<LogEntry[]> {
  const entries = [];
  for await (const entry of driver.read({ kind }, { from, follow: false })) entries.push(entry);
  return entries;
}
const ids = (entries: readonly LogEntry[]) => entries.map((entry) => entry.message.id);

describe('reading a log', () => {
  it('ends at the head, whichever place it begins at, as often as one likes', async () => {
    const driver = await stable.open(uniqueNamespace());
    expect(await readAll(driver)).toEqual([]);
    await mustPublish(driver, message('1'), message('2'));
    await readAll(driver);
    await mustPublish(driver, message('3'));
    const all = await readAll(driver);
    expect(ids(all)).toEqual(['1', '2', '3']);
    for (const [index, { position }] of all.entries())
      expect(ids(await readAll(driver, { after: position }))).toEqual(['1', '2', '3'].slice(index + 1));
    expect(await readAll(driver, 'new')).toEqual([]);
  });

  it('keeps the stream and the dead letters apart', async () => {
    const driver = await stable.open(uniqueNamespace());
    await mustPublish(driver, message('live'), message('dead', { to: { kind: 'dead-letters' } }));
    expect([ids(await readAll(driver)), ids(await readAll(driver, 'beginning', 'dead-letters'))]).toEqual([
      ['live'],
      ['dead'],
    ]);
  });

  it('says that a position lies past the head, or is none', async () => {
    const driver = await stable.open(uniqueNamespace());
    await mustPublish(driver, message('1'));
    const last = (await readAll(driver)).at(-1)?.position ?? '';
    for (const ahead of [2, 5, 1_000])
      expect(await failure(readAll(driver, { after: String(Number(last) + ahead) }))).toBe('out-of-range');
    expect(await failure(readAll(driver, { after: 'elsewhere' }))).toBe('invalid');
  });

  it('says that a position is no longer kept', async () => {
    const driver = await stable.open(uniqueNamespace(), {
      retention: { maxAgeMs: 3_600_000, maxBytes: 300_000 },
    });
    await mustPublish(driver, message('first'));
    const [first] = await readAll(driver);
    const body = Buffer.alloc(50_000);
    await expect
      .poll(
        async () => {
          await mustPublish(
            driver,
            ...Array.from({ length: 20 }, (_, index) => message(`m${index}`, { body })),
          );
          return ids(await readAll(driver)).includes('first');
        },
        { timeout: 15_000 },
      )
      .toBe(false);
    expect(await failure(readAll(driver, { after: first?.position ?? '' }))).toBe('out-of-range');
  }, 20_000);

  it('follows from new: gets what this driver publishes after the first next(), nothing before', async () => {
    const driver = await stable.open(uniqueNamespace());
    await mustPublish(driver, message('before'));
    const stop = new AbortController();
    const reader = driver
      .read({ kind: 'stream' }, { from: 'new', follow: true, signal: stop.signal })
      [Symbol.asyncIterator]();
    const next = reader.next();
    await mustPublish(driver, message('after'));
    expect((await next).value?.message.id).toBe('after');
    const pending = reader.next();
    stop.abort();
    expect(await pending).toEqual({ done: true, value: undefined });
  });

  it('goes on by itself after its connection was lost, without a gap or a repeat', async () => {
    const driver = await stable.open(uniqueNamespace());
    const stop = new AbortController();
    const reader = driver
      .read({ kind: 'stream' }, { from: 'beginning', follow: true, signal: stop.signal })
      [Symbol.asyncIterator]();
    await mustPublish(driver, message('1'), message('2'));
    expect([(await reader.next()).value?.message.id, (await reader.next()).value?.message.id]).toEqual([
      '1',
      '2',
    ]);
    const next = reader.next();
    await closeConnections(rabbitmq.server);
    await mustPublish(driver, message('3')).catch(() => mustPublish(driver, message('3')));
    expect((await next).value?.message.id).toBe('3');
    stop.abort();
  });

  it('is not held up by a reader that stops reading', async () => {
    const driver = await stable.open(uniqueNamespace());
    await mustPublish(driver, ...Array.from({ length: 1_000 }, (_, index) => message(String(index))));
    for await (const entry of driver.read({ kind: 'stream' }, { from: 'beginning', follow: true })) {
      if (entry.message.id === '10') break;
    }
    expect(await readAll(driver)).toHaveLength(1_000);
  });
});
