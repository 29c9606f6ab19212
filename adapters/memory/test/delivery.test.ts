import { describe, expect, it } from 'vitest';
import { group, message, messages, opened, recorder, settled } from './setup.ts';

describe('delivery', () => {
  it('hands over what is published, in order, and never inside publish or consume', async () => {
    const { driver, consume } = await opened();
    const inside: string[] = [];
    const { seen, deliver } = recorder((delivery) => (inside.push('delivered'), delivery.ack()));
    await driver.publish(messages(2));
    await consume(deliver);
    expect(seen).toEqual([]);
    await settled();
    const publishing = driver.publish([message('m3')]);
    expect(seen).toEqual(['m1#1', 'm2#1']);
    await publishing;
    await settled();
    expect(seen).toEqual(['m1#1', 'm2#1', 'm3#1']);
    expect(await driver.lag(group)).toBe(0);
  });

  it('has one unsettled message a lane over all members, while other lanes go on', async () => {
    const { driver, another, consume } = await opened();
    const one = recorder();
    const two = recorder();
    await consume(one.deliver);
    await consume(two.deliver, await another());
    await driver.publish([
      message('a1'),
      message('a2'),
      message('b1', { lane: 1 }),
      message('b2', { lane: 1 }),
    ]);
    await settled();
    expect([...one.seen, ...two.seen].sort()).toEqual(['a1#1', 'b1#1']);
    expect(one.seen).toHaveLength(1); // the members take turns
    one.deliveries[0]?.ack();
    two.deliveries[0]?.ack();
    await settled();
    expect([...one.seen, ...two.seen].sort()).toEqual(['a1#1', 'a2#1', 'b1#1', 'b2#1']);
  });

  it('keeps the lane of a waiting retry, to the millisecond', async () => {
    const { clock, driver, consume } = await opened();
    const { seen, deliver } = recorder((delivery, count) =>
      count === 1 ? delivery.retry(100) : delivery.ack(),
    );
    await consume(deliver);
    await driver.publish(messages(2));
    await clock.advance(99);
    expect(seen).toEqual(['m1#1']);
    expect(await driver.lag(group)).toBe(2);
    await clock.advance(1);
    expect(seen).toEqual(['m1#1', 'm1#2', 'm2#1']);
  });

  it('does not count a waiting retry against the concurrency of an unordered consumer', async () => {
    const { clock, driver, consume } = await opened('none');
    const { seen, deliver } = recorder((delivery) => delivery.attempt === 1 && delivery.retry(100));
    await consume(deliver, driver, 2);
    await driver.publish(messages(5));
    await settled();
    expect(seen).toEqual(['m1#1', 'm2#1', 'm3#1', 'm4#1', 'm5#1']);
    await clock.advance(100);
    expect(seen.slice(5)).toEqual(['m1#2', 'm2#2']); // unsettled now: no room for more
  });

  it('takes no more than there is room for', async () => {
    const { driver, consume } = await opened();
    const { seen, deliveries, deliver } = recorder();
    await consume(deliver, driver, 3);
    await driver.publish(messages(10, { lane: 'unordered' }));
    await settled();
    expect(seen).toHaveLength(3);
    deliveries[1]?.ack();
    await settled();
    expect(seen).toEqual(['m1#1', 'm2#1', 'm3#1', 'm4#1']);
  });

  it('does not count a release, and settles once', async () => {
    const { driver, consume } = await opened();
    const { seen, deliver } = recorder((delivery, count) => {
      if (count === 1) delivery.release();
      delivery.ack();
      delivery.ack();
    });
    await consume(deliver);
    await driver.publish(messages(1));
    await settled();
    expect(seen).toEqual(['m1#1', 'm1#1']);
    expect(await driver.lag(group)).toBe(0);
  });

  it('pauses and resumes', async () => {
    const { driver, consume } = await opened();
    const { seen, deliver } = recorder((delivery) => delivery.ack());
    const consumer = await consume(deliver);
    consumer.pause();
    await driver.publish(messages(2));
    await settled();
    expect(seen).toEqual([]);
    consumer.resume();
    await settled();
    expect(seen).toEqual(['m1#1', 'm2#1']);
  });

  it('gives what a member that left had not settled to the next, and ignores it from then on', async () => {
    const { driver, another, consume } = await opened();
    const one = recorder();
    const two = recorder((delivery) => delivery.ack());
    const consumer = await consume(one.deliver);
    await driver.publish(messages(2));
    await settled();
    await Promise.all([consumer.close(), consumer.close()]);
    one.deliveries[0]?.ack();
    await consume(two.deliver, await another());
    await settled();
    expect(two.seen).toEqual(['m1#2', 'm2#1']);
  });

  it('isolates what it hands out', async () => {
    const { driver, another, consume } = await opened();
    await driver.declare({
      groups: [{ group: 'billing.note', types: ['*'], from: 'beginning', ordering: 'by-key' }],
    });
    const body = new Uint8Array([1, 2, 3]);
    const headers = { note: 'kept' };
    const outcome = driver.publish([message('m1', { body, headers })]);
    body[0] = 9;
    headers.note = 'changed';
    await outcome;
    const one = recorder();
    await consume(one.deliver);
    await settled();
    const first = one.deliveries[0]?.message;
    expect(first?.body).toEqual(new Uint8Array([1, 2, 3]));
    expect(first?.headers).toEqual({ note: 'kept' });
    expect(Object.isFrozen(first?.headers)).toBe(true);
    first?.body.fill(0);
    const two = recorder();
    const source = { kind: 'group' as const, group: 'billing.note' };
    await (await another()).consume({ source, ordering: 'by-key', concurrency: 1 }, two.deliver);
    await settled();
    expect(two.deliveries[0]?.message.body).toEqual(new Uint8Array([1, 2, 3]));
  });

  it('delivers to a queue once, and to one group alone what was sent to that group', async () => {
    const { driver, consume } = await opened();
    await driver.declare({ queues: ['depot'] });
    const queue = { kind: 'queue' as const, context: 'depot' };
    const paid = recorder((delivery) => delivery.ack());
    await driver.consume({ source: queue, ordering: 'by-key', concurrency: 1 }, paid.deliver);
    const planned = recorder((delivery) => delivery.ack());
    await driver.publish([
      message('e1'),
      message('g1', { to: group }),
      message('e2'),
      message('q1', { to: queue }),
    ]);
    await consume(planned.deliver);
    await settled();
    expect(paid.seen).toEqual(['q1#1']);
    expect(planned.seen).toEqual(['e1#1', 'g1#1', 'e2#1']);
  });

  it('survives a handler that floods: timers and sockets get their turn', async () => {
    const { driver, consume } = await opened('none');
    let handled = 0;
    await consume((delivery) => (handled++, delivery.ack()));
    await driver.publish(messages(20_000));
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect(handled).toBeLessThan(20_000);
    while ((await driver.lag(group)) > 0) await settled();
    expect(handled).toBe(20_000);
  });
});
