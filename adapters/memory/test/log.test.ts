import { describe, expect, it } from 'vitest';
import type { BrokerDriver, LogPosition, ReadLogOptions } from '@waggle/messaging';
import { failure, group, message, messages, opened, recorder, settled } from './setup.ts';

async function ids(driver: BrokerDriver, options: Partial<ReadLogOptions> = {}): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of driver.read(
    { kind: 'stream' },
    { from: 'beginning', follow: false, ...options },
  )) {
    found.push(entry.message.id ?? '');
  }
  return found;
}

async function positions(driver: BrokerDriver): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of driver.read({ kind: 'stream' }, { from: 'beginning', follow: false })) {
    found.push(entry.position);
  }
  return found;
}

const body = new Uint8Array(900);
const small = { retention: { maxAgeMs: 60_000, maxBytes: 3_000 } };

describe('reading', () => {
  it('begins at the beginning, behind a cursor, or with what is new, and ends at the head of that time', async () => {
    const { driver } = await opened();
    await driver.publish(messages(3));
    const [first = ''] = await positions(driver);
    expect(await ids(driver)).toEqual(['m1', 'm2', 'm3']);
    expect(await ids(driver, { from: { after: first } })).toEqual(['m2', 'm3']);
    expect(await ids(driver, { from: 'new' })).toEqual([]);
    const reading = driver.read({ kind: 'stream' }, { from: 'beginning', follow: false });
    const found: unknown[] = [];
    for await (const { message: read } of reading) {
      found.push(read.id);
      await driver.publish([message('later')]);
    }
    expect(found).toEqual(['m1', 'm2', 'm3']);
  });

  it('follows across a reconnect until it is aborted, without an error', async () => {
    const { broker, driver } = await opened();
    const abort = new AbortController();
    const following = ids(driver, { from: 'new', follow: true, signal: abort.signal });
    await settled();
    await driver.publish([message('m1')]);
    broker.restart();
    await driver.publish([message('m2')]);
    await settled();
    abort.abort();
    expect(await following).toEqual(['m1', 'm2']);
    expect(await ids(driver, { signal: AbortSignal.abort() })).toEqual([]);
  });

  it('goes on after a reconnect, and with what is new, though all that was there before is discarded', async () => {
    const { clock, broker, driver } = await opened();
    await driver.publish([message('m1')]);
    const abort = new AbortController();
    const options = { follow: true, signal: abort.signal };
    const following = ids(driver, options);
    await clock.advance(60_000);
    const late = ids(driver, { ...options, from: 'new' });
    await settled();
    broker.restart();
    await driver.publish([message('m2')]);
    await settled();
    abort.abort();
    expect(await Promise.all([following, late])).toEqual([['m1', 'm2'], ['m2']]);
  });

  it('can be aborted during an outage too, and ends without an error', async () => {
    const { clock, broker, driver } = await opened();
    const abort = new AbortController();
    const following = ids(driver, { follow: true, signal: abort.signal });
    await driver.publish([message('m1')]);
    await settled();
    broker.stop();
    await clock.advance(60_000);
    abort.abort();
    expect(await following).toEqual(['m1']);
    expect(await ids(driver, { signal: AbortSignal.abort() })).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  it('ends with `closed` when its driver is closed', async () => {
    const { driver } = await opened();
    const following = failure(ids(driver, { follow: true }));
    await settled();
    await driver.close();
    expect(await following).toMatchObject({ code: 'closed' });
  });

  it('keeps dead letters apart', async () => {
    const { driver } = await opened();
    await driver.publish([message('m1'), message('d1', { to: { kind: 'dead-letters' } })]);
    const found: unknown[] = [];
    for await (const entry of driver.read({ kind: 'dead-letters' }, { from: 'beginning', follow: false })) {
      found.push(entry.message.id);
    }
    expect(found).toEqual(['d1']);
    expect(await ids(driver)).toEqual(['m1']);
  });

  it.each<[string, (positions: string[]) => LogPosition, string]>([
    ['a discarded position', ([first = '']) => ({ after: first }), 'out-of-range'],
    ['a position past the head', () => ({ after: 'm7' }), 'out-of-range'],
    ['what is no position', () => ({ after: 'yesterday' }), 'invalid'],
  ])('refuses %s, for readers and for groups', async (_, from, code) => {
    const { driver } = await opened('by-key', small);
    await driver.publish(messages(3, { body }));
    const before = await positions(driver);
    await driver.publish([message('m4', { body })]);
    await expect(ids(driver, { from: from(before) })).rejects.toMatchObject({ code });
    const late = { group: 'billing.note', types: ['*'], from: from(before), ordering: 'none' } as const;
    await expect(driver.declare({ groups: [late] })).rejects.toMatchObject({ code });
    expect(await driver.describe()).toHaveLength(3);
  });

  it('tells a reader that the retention overtook it, instead of leaving a gap', async () => {
    const { driver } = await opened('by-key', small);
    await driver.publish(messages(3, { body }));
    const reading = driver.read({ kind: 'stream' }, { from: 'beginning', follow: true });
    const reader = reading[Symbol.asyncIterator]();
    await reader.next();
    await driver.publish(messages(3, { body }));
    await expect(reader.next()).rejects.toMatchObject({ code: 'out-of-range' });
  });
});

describe('retention', () => {
  it('by bytes discards the oldest, and tells a group that fell behind how many it lost', async () => {
    const { driver, consume } = await opened('by-key', small);
    await driver.publish(messages(5, { body }));
    expect(await ids(driver)).toEqual(['m3', 'm4', 'm5']);
    expect(await driver.lag(group)).toBe(3);
    const described = (await driver.describe()).find(({ kind }) => kind === 'group');
    expect(described?.details).toMatchObject({ discarded: 2, unsettled: 3 });
    const { seen, deliver } = recorder((delivery) => delivery.ack());
    await consume(deliver);
    await settled();
    expect(seen).toEqual(['m3#1', 'm4#1', 'm5#1']);
  });

  it('by age goes by the clock, and spares what was taken already', async () => {
    const { clock, driver, consume } = await opened();
    const { seen, deliveries, deliver } = recorder();
    await consume(deliver);
    await driver.publish(messages(2));
    await clock.advance(30_000);
    await driver.publish([message('m3')]);
    await clock.advance(30_000);
    expect(await ids(driver)).toEqual(['m3']);
    expect(await driver.lag(group)).toBe(2);
    deliveries[0]?.retry(0);
    await settled();
    deliveries[1]?.ack();
    await settled();
    expect(seen).toEqual(['m1#1', 'm1#2', 'm3#1']);
  });

  it('starts a group where it was told to', async () => {
    const { driver } = await opened();
    await driver.publish(messages(3));
    const [first = ''] = await positions(driver);
    const starts: [string, LogPosition, number][] = [
      ['a.beginning', 'beginning', 3],
      ['a.new', 'new', 0],
      ['a.cursor', { after: first }, 2],
    ];
    for (const [name, from, lag] of starts) {
      const declaration = { group: name, types: ['parcels.*'], from, ordering: 'by-key' } as const;
      await driver.declare({ groups: [declaration] });
      expect(await driver.lag({ kind: 'group', group: name })).toBe(lag);
    }
    await driver.publish([message('m4'), message('x', { type: 'depot.sorted.v1' })]);
    expect(await driver.lag({ kind: 'group', group: 'a.new' })).toBe(1);
  });
});
