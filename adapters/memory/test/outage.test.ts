import { describe, expect, it } from 'vitest';
import { createMemoryDriver } from '../src/index.ts';
import { failure, group, message, messages, opened, recorder, settings, settled } from './setup.ts';

describe('an outage', () => {
  it.each(['restart', 'dropConnections', 'closeChannels'] as const)(
    'of the kind %s redelivers what was unsettled, with the attempt counted, and goes on',
    async (fault) => {
      const { broker, driver, consume } = await opened();
      const { seen, deliveries, deliver } = recorder((delivery, count) => count > 1 && delivery.ack());
      await consume(deliver);
      await driver.publish(messages(2));
      await settled();
      broker[fault]();
      expect(driver.status).toBe(fault === 'closeChannels' ? 'open' : 'reconnecting');
      deliveries[0]?.ack(); // too late
      await settled();
      expect(driver.status).toBe('open');
      expect(seen).toEqual(['m1#1', 'm1#2', 'm2#1']);
      await driver.publish([message('m3')]);
      await settled();
      expect(seen.at(-1)).toBe('m3#1');
    },
  );

  it('leaves no consumer behind, however often', async () => {
    const { broker, driver, consume } = await opened();
    const consumer = await consume((delivery) => delivery.ack());
    for (let time = 0; time < 10; time++) {
      broker.restart();
      await settled();
      broker.closeChannels();
      await settled();
    }
    const members = async () =>
      (await driver.describe()).find(({ kind }) => kind === 'group')?.details['members'];
    expect(await members()).toBe(1);
    await consumer.close();
    expect(await members()).toBe(0);
  });

  it.each(['restart', 'closeChannels'] as const)('leaves a paused consumer paused: %s', async (fault) => {
    const { broker, driver, consume } = await opened();
    const { seen, deliver } = recorder((delivery) => delivery.ack());
    const consumer = await consume(deliver);
    consumer.pause();
    broker[fault]();
    await driver.publish(messages(2));
    await settled();
    expect(seen).toEqual([]);
    consumer.resume();
    await settled();
    expect(seen).toEqual(['m1#1', 'm2#1']);
  });

  it('makes publishing wait for the broker, until the deadline', async () => {
    const { clock, broker, driver } = await opened();
    broker.stop();
    const early = driver.publish([message('m1')]);
    await clock.advance(4_999);
    broker.start();
    expect(await early).toEqual([undefined]);
    broker.stop();
    const late = driver.publish([message('m2')]);
    await clock.advance(5_000);
    expect((await late)[0]?.code).toBe('unavailable');
    broker.start();
    await settled();
    expect(await driver.lag(group)).toBe(1);
    expect(clock.pending).toBe(0);
  });

  it('sends what was not confirmed again, so that it may be stored twice, in order', async () => {
    const { broker, driver, consume } = await opened();
    const sent = [message('m1'), message('m2', { lane: 99 }), message('m3')];
    const publishing = driver.publish(sent);
    broker.dropConnections();
    expect((await publishing).map((outcome) => outcome?.code)).toEqual([undefined, 'invalid', undefined]);
    const { seen, deliver } = recorder((delivery) => delivery.ack());
    await consume(deliver);
    await settled();
    expect(seen).toEqual(['m1#1', 'm3#1', 'm1#1', 'm3#1']);
  });

  it('at the start is final, or waited for, or aborted', async () => {
    const { clock, broker } = await opened();
    broker.stop();
    const driver = createMemoryDriver(settings, broker);
    await expect(driver.open()).rejects.toMatchObject({ code: 'unavailable' });
    const late = failure(driver.open({ waitMs: 100 }));
    await clock.advance(100);
    expect(await late).toMatchObject({ code: 'unavailable' });
    const abort = new AbortController();
    const aborted = failure(driver.open({ waitMs: 100, signal: abort.signal }));
    abort.abort(new Error('enough'));
    expect(await aborted).toMatchObject({ message: 'enough' });
    const waiting = driver.open({ waitMs: 100 });
    const closing = createMemoryDriver(settings, broker);
    const closed = failure(closing.open({ waitMs: 100 }));
    await closing.close();
    expect(await closed).toMatchObject({ code: 'closed' });
    broker.start();
    await waiting;
    expect(driver.status).toBe('open');
    expect(clock.pending).toBe(0);
  });

  it('that deletes a consumer on the server loses nothing', async () => {
    const { broker, driver, consume } = await opened();
    const { seen, deliver } = recorder((delivery, count) => count !== 2 && delivery.ack());
    await consume(deliver);
    await driver.publish(messages(3));
    await settled();
    broker.deleteConsumer('shipping.plan');
    expect((await driver.publish([message('g1', { to: group })]))[0]?.code).toBe('unroutable');
    await driver.publish([message('m4')]);
    await settled();
    expect(seen).toEqual(['m1#1', 'm2#1', 'm2#2', 'm3#1', 'm4#1']);
  });

  it('with a permission taken away is tried again until it is given back', async () => {
    const { clock, broker, driver, consume } = await opened();
    const { seen, deliver } = recorder((delivery) => delivery.ack());
    await consume(deliver);
    const allow = broker.deny('consume');
    broker.restart();
    await driver.publish(messages(1));
    await clock.advance(1_000);
    expect(seen).toEqual([]);
    allow();
    await clock.advance(2_000); // what is refused is asked for ever less often
    expect(seen).toEqual(['m1#1']);
  });
});

describe('a frozen process', () => {
  it('loses its lease: others take over, and what it settled later has no effect', async () => {
    const { clock, driver, another, consume } = await opened();
    const one = recorder();
    await consume(one.deliver);
    await driver.publish(messages(2));
    await settled();
    driver.freeze();
    const two = recorder();
    await consume(two.deliver, await another());
    await clock.advance(29_999);
    expect(two.seen).toEqual([]);
    await clock.advance(1);
    expect(two.seen).toEqual(['m1#2']);
    one.deliveries[0]?.ack();
    driver.thaw();
    await settled();
    expect(await driver.lag(group)).toBe(2);
    two.deliveries[0]?.ack();
    await settled();
    expect([...one.seen, ...two.seen]).toEqual(['m1#1', 'm2#1', 'm1#2']);
  });

  it('that wakes in time loses nothing', async () => {
    const { clock, driver, consume } = await opened();
    const { seen, deliveries, deliver } = recorder();
    await consume(deliver);
    await driver.publish(messages(2));
    await settled();
    driver.freeze();
    deliveries[0]?.ack();
    await clock.advance(20_000);
    expect(await driver.lag(group)).toBe(2);
    driver.thaw();
    await clock.advance(60_000);
    expect(seen).toEqual(['m1#1', 'm2#1']);
    expect(await driver.lag(group)).toBe(1);
  });
});
