import { describe, expect, it } from 'vitest';
import type { OutgoingMessage } from '@waggle/messaging';
import { createMemoryBroker, createMemoryDriver } from '../src/index.ts';
import { group, message, messages, opened, recorder, settings, settled } from './setup.ts';

const declaration = {
  group: 'shipping.plan',
  types: ['*'],
  from: 'beginning',
  ordering: 'by-key',
} as const;

describe('publishing', () => {
  it.each<[string, Partial<OutgoingMessage>, string]>([
    ['a body above the limit', { body: new Uint8Array(1_001) }, 'too-large'],
    ['a queue that nobody declared', { to: { kind: 'queue', context: 'depot' } }, 'unroutable'],
    ['a group that nobody declared', { to: { kind: 'group', group: 'a.b' } }, 'unroutable'],
    ['a lane that does not exist', { lane: 4 }, 'invalid'],
    ['a header in capitals', { headers: { Note: '' } }, 'invalid'],
    ['a header with no name', { headers: { '': 'x' } }, 'invalid'],
    ['a reserved header', { headers: { 'waggle-attempt': '1' } }, 'invalid'],
  ])('refuses %s, and only that message', async (_, changes, code) => {
    const { driver } = await opened();
    const outcomes = await driver.publish([message('m1'), message('m2', changes), message('m3')]);
    expect(outcomes.map((outcome) => outcome?.code)).toEqual([undefined, code, undefined]);
    expect(await driver.lag(group)).toBe(2);
  });

  it('carries header values exactly, whatever is in them', async () => {
    const { driver, consume } = await opened();
    const headers = { empty: '', lines: 'a\r\nb\0', words: 'ключ 🐝 "/\\', lone: '\ud800' };
    await driver.publish([message('m1', { headers })]);
    const { deliveries, deliver } = recorder();
    await consume(deliver);
    await settled();
    expect(deliveries[0]?.message.headers).toEqual(headers);
  });

  it('says what was denied, until it is allowed again', async () => {
    const { broker, driver } = await opened();
    const allow = broker.deny('publish', ({ resource, type }) => resource === 'stream' && type === 'a.b.v1');
    const both = [message('m1', { type: 'a.b.v1' }), message('m2')];
    expect((await driver.publish(both)).map((outcome) => outcome?.code)).toEqual(['denied', undefined]);
    allow();
    expect(await driver.publish(both)).toEqual([undefined, undefined]);
  });
});

describe('topology', () => {
  it.each([
    ['lanes', { lanes: 8 }, 'exists with lanes "4", and this process asks for "8"'],
    [
      'age',
      { retention: { maxAgeMs: 1, maxBytes: 1_000_000 } },
      'exists with retention.maxAgeMs "60000", and this process asks for "1"',
    ],
    [
      'bytes',
      { retention: { maxAgeMs: 60_000, maxBytes: 7 } },
      'exists with retention.maxBytes "1000000", and this process asks for "7"',
    ],
  ])('refuses to open with other %s, with both values', async (_, changes, says) => {
    const { another } = await opened();
    const opening = another(changes);
    await expect(opening).rejects.toMatchObject({ code: 'conflict' });
    await expect(opening).rejects.toThrow(says);
  });

  it('keeps namespaces apart', async () => {
    const { driver, another } = await opened();
    const other = await another({ namespace: 'other', lanes: 8 });
    await other.declare({ groups: [declaration] });
    await driver.publish(messages(3));
    expect([await driver.lag(group), await other.lag(group)]).toEqual([3, 0]);
  });

  it('declares again without effect, adds types, and refuses another ordering as a whole', async () => {
    const { driver } = await opened();
    await driver.declare({ groups: [{ ...declaration, types: ['a.*'], from: 'new' }] });
    const conflicting = driver.declare({
      queues: ['depot'],
      groups: [{ ...declaration, ordering: 'none' }],
    });
    await expect(conflicting).rejects.toMatchObject({ code: 'conflict' });
    const described = await driver.describe();
    expect(described.filter(({ kind }) => kind === 'queue')).toEqual([]);
    expect(described.find(({ kind }) => kind === 'group')?.details['types']).toBe('* a.*');
  });

  it('refuses names that are none, and consuming what was never declared or otherwise', async () => {
    const { driver } = await opened();
    const code = (promise: Promise<unknown>) => promise.then(String, (error) => error.code);
    const consume = (ordering: 'by-key' | 'none', name: string, concurrency = 1) =>
      driver.consume({ source: { kind: 'group', group: name }, ordering, concurrency }, () => undefined);
    expect(await code(driver.declare({ queues: ['Not A Name'] }))).toBe('invalid');
    expect(await code(driver.declare({ groups: [{ ...declaration, types: [] }] }))).toBe('invalid');
    expect(await code(driver.declare({ groups: [{ ...declaration, types: ['a.>'] }] }))).toBe('invalid');
    expect(await code(consume('by-key', 'no.body'))).toBe('unroutable');
    expect(await code(consume('none', 'shipping.plan'))).toBe('conflict');
    expect(await code(consume('by-key', 'shipping.plan', 0))).toBe('invalid');
    expect(await code(driver.lag({ kind: 'queue', context: 'depot' }))).toBe('unroutable');
  });

  it('refuses settings and options that make no sense', async () => {
    const open = (changes: object) => createMemoryDriver({ ...settings, ...changes }).open();
    await expect(open({ namespace: 'A b' })).rejects.toMatchObject({ code: 'invalid' });
    await expect(open({ lanes: 0 })).rejects.toMatchObject({ code: 'invalid' });
    await expect(open({ leaseMs: 0 })).rejects.toMatchObject({ code: 'invalid' });
    const options: object = { sed: 1 };
    expect(() => createMemoryBroker(options)).toThrow('unknown option "sed"');
  });
});

describe('life cycle', () => {
  it('is closed before open and after close, which may be called often', async () => {
    const driver = createMemoryDriver(settings);
    expect(driver.status).toBe('new');
    expect((await driver.publish([message('m1')]))[0]?.code).toBe('closed');
    await driver.open();
    await driver.open();
    expect(driver.status).toBe('open');
    await Promise.all([driver.close(), driver.close()]);
    await driver.close();
    expect(driver.status).toBe('closed');
    for (const call of [driver.open(), driver.declare({}), driver.lag(group), driver.describe()]) {
      await expect(call).rejects.toMatchObject({ code: 'closed' });
    }
  });

  it('confirms what was published before the close', async () => {
    const { driver } = await opened();
    const publishing = driver.publish(messages(1));
    await driver.close();
    expect(await publishing).toEqual([undefined]);
  });

  it('outlives its drivers: another goes on where the last one was', async () => {
    const { driver, another, consume } = await opened();
    const { deliver } = recorder((delivery, count) => count === 1 && delivery.ack());
    await consume(deliver);
    await driver.publish(messages(3));
    await settled();
    await driver.close();
    const { seen, deliver: next } = recorder((delivery) => delivery.ack());
    await consume(next, await another());
    await settled();
    expect(seen).toEqual(['m2#2', 'm3#1']);
  });
});
