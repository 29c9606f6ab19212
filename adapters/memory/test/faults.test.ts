import { describe, expect, it } from 'vitest';
import { virtualClock } from '@waggle/messaging';
import { createMemoryBroker, createMemoryDriver, type Faults } from '../src/index.ts';
import { group, message, messages, opened, recorder, settings, settled } from './setup.ts';

/** Everything that a consumer and a producer notice of one scenario. */
async function story(seed: number, faults: Faults): Promise<string[]> {
  const clock = virtualClock(0);
  const driver = createMemoryDriver(settings, createMemoryBroker({ clock, seed, faults }));
  await driver.open();
  await driver.declare({
    groups: [{ group: 'shipping.plan', types: ['*'], from: 'new', ordering: 'by-key' }],
  });
  const told: string[] = [];
  await driver.consume({ source: group, ordering: 'by-key', concurrency: 2 }, (delivery) => {
    told.push(`${clock.now()} ${delivery.message.id}#${delivery.attempt}`);
    delivery.ack();
  });
  const outcomes = await driver.publish(messages(30).map((one, at) => ({ ...one, lane: at % 4 })));
  await clock.advance(10_000);
  return [...outcomes.map((outcome) => outcome?.code ?? 'confirmed'), ...told];
}

describe('faults', () => {
  const all: Faults = { duplicate: 0.2, delayMs: [0, 50], dropAck: 0.2, failPublish: 0.2 };

  it('repeat exactly with the same seed, and differ with another', async () => {
    expect(await story(7, all)).toEqual(await story(7, all));
    expect(await story(7, all)).not.toEqual(await story(8, all));
  });

  it('duplicate: the message comes twice, one after the other', async () => {
    const { broker, driver, consume } = await opened();
    broker.inject({ duplicate: 1 });
    await driver.publish([message('m1')]);
    broker.inject({});
    await driver.publish([message('m2')]);
    const { seen, deliver } = recorder((delivery) => delivery.ack());
    await consume(deliver);
    await settled();
    expect(seen).toEqual(['m1#1', 'm1#1', 'm2#1']);
  });

  it('dropAck: the message comes again, with the attempt counted', async () => {
    const { broker, driver, consume } = await opened();
    broker.inject({ dropAck: 1 });
    const { seen, deliver } = recorder((delivery, count) => {
      if (count === 2) broker.inject({});
      delivery.ack();
    });
    await consume(deliver);
    await driver.publish(messages(2));
    await settled();
    expect(seen).toEqual(['m1#1', 'm1#2', 'm2#1']);
  });

  it('failPublish: not confirmed, and stored every other time', async () => {
    const { broker, driver } = await opened();
    broker.inject({ failPublish: 1 });
    const outcomes = await driver.publish(messages(100));
    expect(new Set(outcomes.map((outcome) => outcome?.code))).toEqual(new Set(['unavailable']));
    expect(await driver.lag(group)).toBeGreaterThan(20);
    expect(await driver.lag(group)).toBeLessThan(80);
  });

  it('delayMs: every handing over takes its time, and a lane keeps its order', async () => {
    const { clock, broker, driver, consume } = await opened();
    broker.inject({ delayMs: [10, 20] });
    const { seen, deliver } = recorder((delivery) => delivery.ack());
    await consume(deliver);
    await driver.publish(messages(3));
    await clock.advance(9);
    expect(seen).toEqual([]);
    await clock.advance(60);
    expect(seen).toEqual(['m1#1', 'm2#1', 'm3#1']);
  });

  it.each<[string, object]>([
    ['a probability above 1', { dropAck: 1.5 }],
    ['a probability that is none', { dropAck: Number.NaN }],
    ['a negative delay', { delayMs: [-1, 5] }],
    ['a fault that does not exist', { dropAcks: 1 }],
  ])('refuses %s', (_, faults) => {
    expect(() => createMemoryBroker({ faults })).toThrow('fault');
    expect(() => createMemoryBroker().inject(faults)).toThrow('fault');
  });
});
