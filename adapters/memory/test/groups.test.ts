import { describe, expect, it } from 'vitest';
import type { BrokerDriver, GroupDeclaration } from '@waggle/messaging';
import { failure, group, messages, opened, recorder, settled } from './setup.ts';

const anew: GroupDeclaration = {
  group: 'shipping.plan',
  types: ['*'],
  from: 'beginning',
  ordering: 'by-key',
};

async function isInUse(driver: BrokerDriver): Promise<boolean | undefined> {
  return (await driver.describe()).flatMap(({ consumption }) => consumption ?? [])[0]?.inUse;
}

describe('what a group missed', () => {
  const retention = { maxAgeMs: 1_000, maxBytes: 1_000_000 };

  it('is counted for its types alone, and told once, to one member', async () => {
    const { clock, driver, another } = await opened('by-key', { retention });
    await driver.declare({ groups: [{ ...anew, group: 'a.b', types: ['billing.*'] }] });
    const told: number[] = [];
    const source = { kind: 'group', group: 'a.b' } as const;
    const consume = (by: BrokerDriver) =>
      by.consume(
        { source, ordering: 'by-key', concurrency: 1, onMissed: (count) => told.push(count) },
        () => undefined,
      );
    await driver.publish([...messages(3), ...messages(2, { type: 'billing.invoice-sent.v1' })]);
    await clock.advance(1_000);
    await consume(driver);
    await consume(await another());
    await settled();
    expect(told).toEqual([2]);
    await clock.advance(10_000);
    expect(told).toEqual([2]);
  });

  it('waits while its process stands still', async () => {
    const { clock, driver } = await opened('by-key', { retention });
    const told: number[] = [];
    await driver.consume(
      { source: group, ordering: 'by-key', concurrency: 1, onMissed: (count) => told.push(count) },
      () => undefined,
    );
    await settled();
    driver.freeze();
    await driver.publish(messages(3));
    await clock.advance(1_000);
    await driver.publish(messages(1));
    await settled();
    expect(told).toEqual([]);
    driver.thaw();
    await settled();
    expect(told).toEqual([3]);
  });

  it('includes what was discarded while somebody had deleted it, as an upper bound', async () => {
    const { clock, broker, driver } = await opened('by-key', { retention });
    const told: number[] = [];
    const consumer = await driver.consume(
      { source: group, ordering: 'by-key', concurrency: 1, onMissed: (count) => told.push(count) },
      (delivery) => delivery.ack(),
    );
    await driver.publish(messages(1));
    await settled();
    consumer.pause();
    broker.deleteConsumer('shipping.plan');
    await driver.publish(messages(4));
    await clock.advance(1_000);
    consumer.resume();
    await settled();
    expect(told).toEqual([4]);
  });
});

describe('a group that is in use', () => {
  it('stays so for a lease when its member vanishes, and not at all when it leaves', async () => {
    const { clock, broker, driver, consume, another } = await opened();
    const operator = await another();
    const consumer = await consume(() => undefined);
    expect(await isInUse(operator)).toBe(true);
    await consumer.close();
    expect(await isInUse(operator)).toBe(false);

    await consume(() => undefined);
    broker.stop();
    await driver.close();
    broker.start();
    await settled();
    expect(await failure(operator.declare({ absent: [group] }))).toMatchObject({ code: 'conflict' });
    await clock.advance(29_999);
    expect(await isInUse(operator)).toBe(true);
    await clock.advance(1);
    await operator.declare({ absent: [group] });
    expect(await isInUse(operator)).toBeUndefined();
  });

  it('is removed for nobody, and one that is not there is no failure', async () => {
    const { driver, consume } = await opened();
    const { seen, deliver } = recorder((delivery) => delivery.ack());
    await consume(deliver);
    const other = { ...anew, group: 'a.b' };
    await driver.declare({ groups: [other] });
    const source = { kind: 'group', group: 'a.b' } as const;
    const both = driver.declare({ absent: [source, group], queues: ['depot'] });
    expect(await failure(both)).toMatchObject({ code: 'conflict' });
    const names = (await driver.describe()).map(({ name }) => name);
    expect(names.slice(2)).toEqual(['shipping.plan', 'a.b']);
    await driver.declare({ absent: [source] });
    await driver.declare({ absent: [source] });
    await driver.publish(messages(1));
    await settled();
    expect(seen).toEqual(['m1#1']);
  });

  it('begins at its new place also for a driver that consumed it before', async () => {
    const { driver, consume, another } = await opened();
    const first = recorder((delivery) => delivery.ack());
    const consumer = await consume(first.deliver);
    await driver.publish(messages(3));
    await settled();
    await consumer.close();
    await (await another()).declare({ absent: [group], groups: [anew] });
    const again = recorder((delivery) => delivery.ack());
    await consume(again.deliver);
    await settled();
    expect(again.seen).toEqual(['m1#1', 'm2#1', 'm3#1']);
  });
});
