import { describe, expect, it } from 'vitest';
import type { BrokerDriver, LogEntry } from '@waggle/messaging';
import { createInbox, useServer, GROUP, message, mustPublish, source, TYPE } from './harness.ts';
import { uniqueNamespace } from './harness.ts';
import { closeConnections } from '../testing/server.ts';

const rabbitmq = useServer();
const { stable } = rabbitmq;

const little = { retention: { maxAgeMs: 3_600_000, maxBytes: 300_000 } };
const body = Buffer.alloc(20_000);
/** In little groups: what is written at once is also discarded at once. */
async function flood(driver: BrokerDriver, count: number, first = 0): Promise<void> {
  for (let next = first; next < first + count; next += 4)
    await mustPublish(driver, ...[0, 1, 2, 3].map((index) => message(`m${next + index}`, { body })));
}

function follow(driver: BrokerDriver, stop = new AbortController()) {
  const reading = driver.read({ kind: 'stream' }, { from: 'new', follow: true, signal: stop.signal });
  return { reader: reading[Symbol.asyncIterator](), stop };
}

async function firstKept(driver: BrokerDriver): Promise<LogEntry> {
  for await (const entry of driver.read({ kind: 'stream' }, { from: 'beginning', follow: false }))
    return entry;
  throw new Error('nothing is kept');
}

/** Publishes until the log begins behind this message. */
async function discard(driver: BrokerDriver, id: string): Promise<void> {
  const isGone = async (): Promise<boolean> => {
    await flood(driver, 20);
    return (await firstKept(driver)).message.id !== id;
  };
  await expect.poll(isGone, { timeout: 15_000 }).toBe(true);
}

describe('a reader that the retention overtakes', () => {
  it('is out of range, whether it followed or comes back, and has missed nothing before', async () => {
    const driver = await stable.open(uniqueNamespace(), little);
    const { reader } = follow(driver);
    const first = reader.next();
    await mustPublish(driver, message('first'));
    expect((await first).value?.message.id).toBe('first');
    await flood(driver, 600);
    const ids: (string | undefined)[] = [];
    const readOn = async (): Promise<void> => {
      for (let next = await reader.next(); next.done !== true; next = await reader.next())
        ids.push(next.value.message.id);
    };
    await expect(readOn()).rejects.toMatchObject({ code: 'out-of-range' });
    expect(ids.length).toBeLessThan(600);
    expect(ids).toEqual(ids.map((_, index) => `m${index}`));
  }, 30_000);

  it('is out of range after a lost connection', async () => {
    const driver = await stable.open(uniqueNamespace(), little);
    const publisher = await stable.open(uniqueNamespace(), little);
    const { reader } = follow(driver);
    const first = reader.next();
    await mustPublish(driver, message('first'));
    await first;
    await discard(driver, 'first');
    await closeConnections(rabbitmq.server);
    await expect.poll(() => publisher.publish([message('x')])).toEqual([undefined]);
    const readOn = async (): Promise<void> => {
      for (let next = await reader.next(); next.done !== true; next = await reader.next());
    };
    await expect(readOn()).rejects.toMatchObject({ code: 'out-of-range' });
  }, 30_000);

  it('is not out of range where the server only left offsets out between its files', async () => {
    const driver = await stable.open(uniqueNamespace(), {
      retention: { maxAgeMs: 3_600_000, maxBytes: 9_000_000 },
    });
    const { reader, stop } = follow(driver);
    const ids: (string | undefined)[] = [];
    const positions: number[] = [];
    const reading = (async () => {
      while (ids.length < 300) {
        const next = await reader.next();
        ids.push(next.value?.message.id);
        positions.push(Number(next.value?.position));
      }
    })();
    await flood(driver, 300);
    await reading;
    stop.abort();
    expect(ids).toEqual(Array.from({ length: 300 }, (_, index) => `m${index}`));
    expect(Number(positions.at(-1)) - Number(positions[0])).toBeGreaterThan(299);
  }, 30_000);
});

describe.each(['by-key', 'none'] as const)(
  'a group that the retention overtakes, ordering %s',
  (ordering) => {
    const from = (start: 'new' | 'beginning') => ({
      groups: [{ group: GROUP, types: [TYPE], from: start, ordering }],
    });
    async function joinAt(driver: BrokerDriver, start: 'new' | 'beginning') {
      await driver.declare(from(start));
      const missed: number[] = [];
      const inbox = createInbox();
      const onMissed = (count: number): void => void missed.push(count);
      await driver.consume({ source, ordering, concurrency: 5, onMissed }, inbox.deliver);
      return { inbox, missed };
    }

    it('is told how many it may have missed, once, if it began in the past', async () => {
      const namespace = uniqueNamespace();
      const first = await stable.open(namespace, little);
      await mustPublish(first, message('first'));
      const before = await joinAt(first, 'beginning');
      await before.inbox.until((all) => all.length === 1);
      await first.close();
      const publisher = await stable.open(namespace, little);
      await flood(publisher, 100);
      await discard(publisher, 'first');
      await flood(publisher, 100, 1_000);
      const second = await stable.open(namespace, little);
      const after = await joinAt(second, 'beginning');
      await after.inbox.until(() => after.inbox.ids().includes('m1099'));
      await expect.poll(() => after.missed.length).toBe(1);
      const told = Number(after.missed[0]);
      expect(told).toBeGreaterThanOrEqual(100);
      expect(told).toBeLessThan(1_000);
      expect(before.missed).toEqual([]);
      await mustPublish(publisher, message('last'));
      await after.inbox.until(() => after.inbox.ids().includes('last'));
      expect(after.missed).toHaveLength(1);
    }, 30_000);

    it('has missed nothing if it began at "new"', async () => {
      const namespace = uniqueNamespace();
      const driver = await stable.open(namespace, little);
      await driver.declare(from('new'));
      await flood(driver, 100);
      const { inbox, missed } = await joinAt(driver, 'new');
      await inbox.until((all) => all.length === 100);
      expect(missed).toEqual([]);
    }, 30_000);
  },
);
