import { describe, expect, it } from 'vitest';
import type { Delivery } from '@waggle/messaging';
import {
  createInbox,
  useServer,
  failure,
  GROUP,
  join,
  message,
  mustPublish,
  openWithGroup,
  source,
  TYPE,
  uniqueNamespace,
} from './harness.ts';

const { stable } = useServer();

describe('a group', () => {
  it('receives what was published between its declaration and its first consumer, and nothing of other types', async () => {
    const driver = await openWithGroup(stable);
    await mustPublish(
      driver,
      message('foreign', { type: 'shipping.sent.v1' }),
      message('1'),
      message('2', { lane: 'unordered' }),
    );
    const inbox = createInbox();
    await join(driver, inbox.deliver);
    await inbox.until((all) => all.length === 2);
    expect(inbox.ids().sort()).toEqual(['1', '2']);
    expect(inbox.deliveries.map(({ attempt }) => attempt)).toEqual([1, 1]);
  });

  it('understands wildcards', async () => {
    const driver = await stable.open(uniqueNamespace());
    const types = { 'a.all': ['*'], 'a.context': ['parcels.*'], 'a.both': ['shipping.*', TYPE] };
    await driver.declare({
      groups: Object.entries(types).map(([group, asked]) => ({
        group,
        types: asked,
        from: 'new',
        ordering: 'none',
      })),
    });
    const inboxes = Object.keys(types).map((group) => ({ group, inbox: createInbox() }));
    for (const { group, inbox } of inboxes)
      await driver.consume(
        { source: { kind: 'group', group }, ordering: 'none', concurrency: 9 },
        inbox.deliver,
      );
    await mustPublish(
      driver,
      message('order'),
      message('cancel', { type: 'parcels.parcel-cancelled.v1' }),
      message('sent', { type: 'shipping.sent.v1' }),
      message('paid', { type: 'depot.sorted.v1' }),
      message('end'),
    );
    await Promise.all(inboxes.map(({ inbox }) => inbox.until(() => inbox.ids().includes('end'))));
    expect(inboxes.map(({ inbox }) => inbox.ids())).toEqual([
      ['order', 'cancel', 'sent', 'paid', 'end'],
      ['order', 'cancel', 'end'],
      ['order', 'sent', 'end'],
    ]);
  });

  it('cannot be declared with another ordering', async () => {
    const driver = await openWithGroup(stable, 'by-key');
    const again = driver.declare({
      groups: [{ group: GROUP, types: [TYPE], from: 'new', ordering: 'none' }],
    });
    await expect(again).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringMatching(/by-key.*none/s),
    });
  });

  it('can be declared by several processes at once', async () => {
    const namespace = uniqueNamespace();
    const drivers = await Promise.all([1, 2, 3].map(() => openWithGroup(stable, 'by-key', namespace)));
    expect(drivers).toHaveLength(3);
  });

  it('is invalid to consume before it was declared', async () => {
    const driver = await stable.open(uniqueNamespace());
    expect(await failure(join(driver, () => undefined))).toBe('unroutable');
  });
});

describe('by key', () => {
  it('delivers a lane in order, one at a time, while other lanes go on', async () => {
    const driver = await openWithGroup(stable);
    const inbox = createInbox((delivery) => delivery.lane === 1 && delivery.ack());
    await join(driver, inbox.deliver);
    await mustPublish(
      driver,
      message('a1'),
      message('a2'),
      message('b1', { lane: 1 }),
      message('b2', { lane: 1 }),
    );
    await inbox.until((all) => all.length === 3);
    expect(inbox.ids().filter((id) => id.startsWith('b'))).toEqual(['b1', 'b2']);
    inbox.deliveries.find(({ message: { id } }) => id === 'a1')?.ack();
    await inbox.until((all) => all.length === 4);
    expect(inbox.ids().filter((id) => id.startsWith('a'))).toEqual(['a1', 'a2']);
  });

  it('holds the lane during a retry, not shorter than asked, and counts attempts', async () => {
    const driver = await openWithGroup(stable);
    const times: number[] = [];
    const inbox = createInbox((delivery) => {
      times.push(performance.now());
      if (delivery.message.id === '1' && delivery.attempt < 4) delivery.retry(120);
      else delivery.ack();
    });
    await join(driver, inbox.deliver);
    await mustPublish(driver, message('1'), message('2'));
    await inbox.until((all) => all.length === 5);
    expect(inbox.deliveries.map(({ message: { id }, attempt }) => [id, attempt])).toEqual([
      ['1', 1],
      ['1', 2],
      ['1', 3],
      ['1', 4],
      ['2', 1],
    ]);
    for (const index of [1, 2, 3])
      expect((times[index] ?? 0) - (times[index - 1] ?? 0)).toBeGreaterThanOrEqual(120);
  });

  it('keeps the order when the member that holds a message leaves, or hands it back', async () => {
    const namespace = uniqueNamespace();
    const [one, two] = [
      await openWithGroup(stable, 'by-key', namespace),
      await openWithGroup(stable, 'by-key', namespace),
    ];
    const first = createInbox(() => undefined);
    const second = createInbox();
    const consumer = await join(one, first.deliver);
    await join(two, second.deliver);
    await mustPublish(one, message('1'), message('2'), message('3'));
    await first.until((all) => all.length === 1);
    first.deliveries[0]?.release();
    await first.until((all) => all.length === 2);
    await consumer.close();
    await second.until((all) => all.length === 3);
    expect([first.ids(), second.ids()]).toEqual([
      ['1', '1'],
      ['1', '2', '3'],
    ]);
    first.deliveries[1]?.ack();
  });

  it('shares the lanes among members that join later, without ever handling a lane twice at once', async () => {
    const namespace = uniqueNamespace();
    const drivers = await Promise.all([1, 2, 3].map(() => openWithGroup(stable, 'by-key', namespace, 6)));
    const seen = drivers.map(() => new Set<unknown>());
    const order = new Map<unknown, string[]>();
    const busy = new Set<unknown>();
    let overlaps = 0;
    const attempts = new Set<number>();
    const handle = (member: number) => (delivery: Delivery) => {
      if (busy.has(delivery.lane)) overlaps++;
      busy.add(delivery.lane);
      attempts.add(delivery.attempt);
      seen[member]?.add(delivery.lane);
      order.set(delivery.lane, [...(order.get(delivery.lane) ?? []), delivery.message.id ?? '']);
      setTimeout(() => {
        busy.delete(delivery.lane);
        delivery.ack();
      }, 2);
    };
    for (const [member, driver] of drivers.entries()) await join(driver, handle(member));
    const [publisher] = drivers;
    if (publisher === undefined) throw new Error('no driver');
    let sent = 0;
    const until = Date.now() + 8_000;
    while (Date.now() < until && !seen.every((lanes) => lanes.size > 0)) {
      await mustPublish(
        publisher,
        ...Array.from({ length: 60 }, (_, index) => message(String(sent++), { lane: index % 6 })),
      );
    }
    expect(seen.map((lanes) => lanes.size > 0)).toEqual([true, true, true]);
    const total = (): number => [...order.values()].reduce((sum, ids) => sum + ids.length, 0);
    await expect.poll(total, { timeout: 10_000 }).toBe(sent);
    for (const [lane, ids] of order)
      expect([lane, ids]).toEqual([lane, [...ids].sort((a, b) => Number(a) - Number(b))]);
    expect([overlaps, [...attempts]]).toEqual([0, [1]]);
  }, 20_000);

  it('takes nothing while paused, and goes on afterwards', async () => {
    const driver = await openWithGroup(stable);
    const inbox = createInbox();
    const consumer = await join(driver, inbox.deliver);
    consumer.pause();
    await mustPublish(driver, message('1'), message('2', { lane: 'unordered' }), message('3', { lane: 1 }));
    await expect.poll(() => driver.lag(source)).toBe(3);
    expect(inbox.ids()).toEqual([]);
    consumer.resume();
    await inbox.until((all) => all.length === 3);
    await expect.poll(() => driver.lag(source)).toBe(0);
  });

  it('lets a message be settled that was handed over before a pause', async () => {
    const driver = await openWithGroup(stable);
    const inbox = createInbox(() => undefined);
    const consumer = await join(driver, inbox.deliver);
    await mustPublish(driver, message('1'), message('2'), message('3'));
    await inbox.until((all) => all.length === 1);
    consumer.pause();
    inbox.deliveries[0]?.ack();
    await expect.poll(() => driver.lag(source)).toBe(2);
    consumer.resume();
    await inbox.until((all) => all.length === 2);
    expect(inbox.deliveries.map(({ message: { id }, attempt }) => [id, attempt])).toEqual([
      ['1', 1],
      ['2', 1],
    ]);
  });

  it('serves the queue of a context in the same way', async () => {
    const driver = await stable.open(uniqueNamespace());
    await driver.declare({ queues: ['depot', 'shipping'] });
    const inbox = createInbox();
    const to = { kind: 'queue', context: 'depot' } as const;
    await mustPublish(
      driver,
      message('1', { to }),
      message('2', { to, lane: 'unordered' }),
      message('x', { to: { kind: 'queue', context: 'shipping' } }),
    );
    await driver.consume({ source: to, ordering: 'none', concurrency: 2 }, inbox.deliver);
    await inbox.until((all) => all.length === 2);
    expect(inbox.ids().sort()).toEqual(['1', '2']);
    expect(await driver.lag({ kind: 'queue', context: 'shipping' })).toBe(1);
  });
});
