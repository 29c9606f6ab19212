import { describe, expect, it } from 'vitest';
import type { Delivery } from '@waggle/messaging';
import {
  createInbox,
  useServer,
  join,
  message,
  mustPublish,
  openWithGroup,
  source,
  TYPE,
} from './harness.ts';

const { stable } = useServer();

describe('without order', () => {
  it('delays a retry, not shorter than asked, counts attempts and keeps the message', async () => {
    const driver = await openWithGroup(stable, 'none');
    const times: number[] = [];
    const inbox = createInbox((delivery) => {
      times.push(performance.now());
      if (delivery.attempt < 4) delivery.retry(delivery.attempt === 2 ? 0 : 110);
      else delivery.ack();
    });
    await join(driver, inbox.deliver, 'none');
    await mustPublish(
      driver,
      message('1', {
        lane: 1,
        headers: { traceparent: '00-x' },
        hints: { correlationId: 'c', timeMs: 1_000 },
      }),
    );
    await inbox.until((all) => all.length === 4);
    expect(inbox.deliveries.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4]);
    for (const index of [1, 3])
      expect((times[index] ?? 0) - (times[index - 1] ?? 0)).toBeGreaterThanOrEqual(110);
    for (const { lane, message: m } of inbox.deliveries) {
      expect([lane, m.id, m.type, m.contentType, m.headers]).toEqual([
        1,
        '1',
        TYPE,
        'application/json',
        { traceparent: '00-x' },
      ]);
      expect(Buffer.from(m.body).toString()).toBe('{"id":"1"}');
    }
  });

  it('does not count a waiting retry against the concurrency, but counts it as lag', async () => {
    const driver = await openWithGroup(stable, 'none');
    const inbox = createInbox((delivery) =>
      delivery.message.id === 'later' ? delivery.retry(60_000) : delivery.ack(),
    );
    await join(driver, inbox.deliver, 'none', 1);
    await mustPublish(driver, message('later'), message('now'));
    await inbox.until((all) => all.length === 2);
    expect(inbox.ids()).toEqual(['later', 'now']);
    await expect.poll(() => driver.lag(source)).toBe(1);
  });

  it('delays in the unordered lane of a group by key too', async () => {
    const driver = await openWithGroup(stable, 'by-key');
    const inbox = createInbox((delivery) => (delivery.attempt === 1 ? delivery.retry(60) : delivery.ack()));
    await join(driver, inbox.deliver);
    await mustPublish(driver, message('u', { lane: 'unordered' }));
    await inbox.until((all) => all.length === 2);
    expect(inbox.deliveries.map(({ lane, attempt }) => [lane, attempt])).toEqual([
      ['unordered', 1],
      ['unordered', 2],
    ]);
  });

  it('has at most the concurrency unsettled, also after a pause, and settles each once in any order', async () => {
    const driver = await openWithGroup(stable, 'none');
    const held: Delivery[] = [];
    let most = 0;
    const inbox = createInbox((delivery) => {
      held.push(delivery);
      most = Math.max(most, held.length);
    });
    const consumer = await join(driver, inbox.deliver, 'none', 4);
    await mustPublish(driver, ...Array.from({ length: 200 }, (_, index) => message(String(index))));
    await inbox.until((all) => all.length === 4);
    consumer.pause();
    consumer.resume();
    while (new Set(inbox.ids()).size < 200 || held.length > 0) {
      const seen = inbox.deliveries.length;
      const one = held.splice(Math.floor(Math.random() * held.length), 1)[0];
      one?.ack();
      one?.ack();
      one?.retry(0);
      if (held.length === 0 && new Set(inbox.ids()).size < 200) await inbox.until((all) => all.length > seen);
    }
    expect(most).toBeLessThanOrEqual(4);
    await expect.poll(() => driver.lag(source)).toBe(0);
    expect(inbox.deliveries.every(({ message: { id } }) => id !== undefined)).toBe(true);
  });

  it('hands back what is released, to any member', async () => {
    const driver = await openWithGroup(stable, 'none');
    const inbox = createInbox((delivery) =>
      inbox.deliveries.length === 1 ? delivery.release() : delivery.ack(),
    );
    await join(driver, inbox.deliver, 'none', 1);
    await mustPublish(driver, message('1'));
    await inbox.until((all) => all.length === 2);
    expect(inbox.ids()).toEqual(['1', '1']);
  });

  it('sends the settlements that were called before a close, and no others', async () => {
    const driver = await openWithGroup(stable, 'none');
    const inbox = createInbox(() => undefined);
    const consumer = await join(driver, inbox.deliver, 'none', 3);
    await mustPublish(driver, message('acked'), message('retried'), message('open'));
    await inbox.until((all) => all.length === 3);
    inbox.deliveries[0]?.ack();
    inbox.deliveries[1]?.retry(50);
    const closing = [consumer.close(), consumer.close()];
    await Promise.all(closing);
    inbox.deliveries[2]?.ack();
    const after = createInbox();
    await join(driver, after.deliver, 'none', 3);
    await after.until((all) => all.length === 2);
    expect(after.ids().sort()).toEqual(['open', 'retried']);
  });
});
