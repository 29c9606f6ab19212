import { type ChannelModel, connect } from 'amqplib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { BrokerDriver, Delivery } from '@waggle/messaging';
import { type PrivateServer, startPrivateServer } from '@waggle/test/servers';
import {
  createInbox,
  createStable,
  keepPublishing,
  message,
  mustPublish,
  uniqueNamespace,
} from './harness.ts';
import { closeConnections } from '../testing/server.ts';

let server: PrivateServer;
let stable: ReturnType<typeof createStable>;

beforeAll(async () => {
  server = await startPrivateServer('rabbitmq', { config: 'consumer_timeout = 1000' });
  stable = createStable(() => server.url);
}, 60_000);
afterEach(() => stable?.closeAll());
afterAll(() => server?.stop());

/** A connection that is not ours, and survives a test that failed. */
async function connectOperator(): Promise<ChannelModel> {
  const operator = await connect(server.url);
  operator.on('error', () => undefined);
  return operator;
}

const group = (name: string) => ({ kind: 'group', group: name }) as const;

async function openBoth(namespace = uniqueNamespace()): Promise<BrokerDriver> {
  const driver = await stable.open(namespace);
  await driver.declare({
    groups: [
      { group: 'a.ordered', types: ['*'], from: 'new', ordering: 'by-key' },
      { group: 'a.loose', types: ['*'], from: 'new', ordering: 'none' },
    ],
  });
  return driver;
}

async function joinBoth(driver: BrokerDriver, onDelivery?: (delivery: Delivery) => void) {
  const [ordered, loose] = [createInbox(onDelivery), createInbox(onDelivery)];
  await driver.consume({ source: group('a.ordered'), ordering: 'by-key', concurrency: 5 }, ordered.deliver);
  await driver.consume({ source: group('a.loose'), ordering: 'none', concurrency: 5 }, loose.deliver);
  return { ordered, loose };
}

describe('after a fault the next message arrives', () => {
  it('when a channel was closed alone, and a delivery of the old one settles nothing', async () => {
    // Channels opened from now on look every 200 ms whether a message is unsettled for too long, instead of every minute.
    await server.ctl('eval', 'application:set_env(rabbit, channel_tick_interval, 200).');
    const driver = await openBoth();
    const { ordered, loose } = await joinBoth(driver, (delivery) => delivery.attempt > 1 && delivery.ack());
    await mustPublish(driver, message('1'));
    await Promise.all([ordered, loose].map((inbox) => inbox.until((all) => all.length === 2)));
    expect(driver.status).toBe('open');
    for (const inbox of [ordered, loose]) {
      inbox.deliveries[0]?.ack();
      expect(inbox.deliveries.map(({ attempt }) => attempt)).toEqual([1, 2]);
    }
    await mustPublish(driver, message('2'));
    await Promise.all([ordered, loose].map((inbox) => inbox.until(() => inbox.ids().includes('2'))));
    await server.ctl('eval', 'application:set_env(rabbit, channel_tick_interval, 60000).');
  }, 60_000);

  it('when the server closed the connection, and no consumer is left over', async () => {
    const namespace = uniqueNamespace();
    const driver = await openBoth(namespace);
    const { ordered, loose } = await joinBoth(driver);
    for (const id of ['1', '2', '3']) {
      await closeConnections(server);
      await keepPublishing(driver, message(id));
      await Promise.all([ordered, loose].map((inbox) => inbox.until(() => inbox.ids().includes(id))));
    }
    const consumers = (await server.ctl('list_consumers', 'queue_name')).split('\n');
    // Two lanes, the line without order and the members queue of one group; the one queue and the members queue of the other.
    expect(consumers.filter((queue) => queue.startsWith(namespace))).toHaveLength(6);
  });

  it('when the server was restarted, and nothing confirmed is lost', async () => {
    const driver = await openBoth();
    const held: Delivery[] = [];
    const { ordered, loose } = await joinBoth(
      driver,
      (delivery) =>
        void (delivery.message.id === '1' && delivery.attempt === 1 ? held.push(delivery) : delivery.ack()),
    );
    await mustPublish(driver, message('1'), message('2'));
    await expect.poll(() => held.length).toBe(2);
    const restarting = server.restart();
    await expect.poll(() => driver.status).toBe('reconnecting');
    const waiting = driver.publish([message('during')]);
    await restarting;
    const [outcome] = await waiting;
    if (outcome !== undefined) await keepPublishing(driver, message('during'));
    for (const stale of held) stale.ack();
    for (const inbox of [ordered, loose]) {
      await inbox.until(() =>
        ['1', '2', 'during'].every((id) =>
          inbox.deliveries.some((one) => one.message.id === id && (id !== '1' || one.attempt > 1)),
        ),
      );
    }
    expect(driver.status).toBe('open');
  }, 40_000);

  it('when the queues were deleted on the server', async () => {
    const namespace = uniqueNamespace();
    const driver = await openBoth(namespace);
    const { ordered, loose } = await joinBoth(driver);
    const operator = await connectOperator();
    const channel = await operator.createChannel();
    for (const queue of ['ordered.0', 'ordered.unordered', 'ordered.members', 'loose.all'])
      await channel.deleteQueue(`${namespace}.grp.a.${queue}`);
    for (const [inbox, lane] of [
      [ordered, 0],
      [ordered, 'unordered'],
      [loose, 0],
    ] as const) {
      const id = `after-${lane}`;
      await expect
        .poll(
          async () => {
            await mustPublish(driver, message(id, { lane }));
            return inbox.ids().includes(id);
          },
          { timeout: 10_000 },
        )
        .toBe(true);
    }
    await operator.close();
  }, 60_000);

  it('when an exchange was deleted on the server', async () => {
    const namespace = uniqueNamespace();
    const driver = await openBoth(namespace);
    const operator = await connectOperator();
    const channel = await operator.createChannel();
    await channel.deleteExchange(`${namespace}.evt`);
    await keepPublishing(driver, message('kept in the log again'));
    await operator.close();
    const read = [];
    for await (const entry of driver.read({ kind: 'stream' }, { from: 'beginning', follow: false }))
      read.push(entry.message.id);
    expect(read).toEqual(['kept in the log again']);
  });
});

describe('during an outage', () => {
  it('a publish waits for its deadline, then says that it was not sent', async () => {
    const driver = await stable.open(uniqueNamespace(), { requestTimeoutMs: 600 });
    await server.kill();
    try {
      await expect.poll(() => driver.status).toBe('reconnecting');
      const started = performance.now();
      expect((await driver.publish([message('1'), message('2')])).map((outcome) => outcome?.code)).toEqual([
        'unavailable',
        'unavailable',
      ]);
      expect(performance.now() - started).toBeGreaterThanOrEqual(550);
      await driver.close();
    } finally {
      await server.restart();
    }
  }, 30_000);

  it('a delayed retry survives the server', async () => {
    const driver = await openBoth();
    let asked = 0;
    const inbox = createInbox((delivery) => {
      if (delivery.attempt > 1) return delivery.ack();
      asked = Date.now();
      delivery.retry(4_000);
    });
    await driver.consume({ source: group('a.loose'), ordering: 'none', concurrency: 5 }, inbox.deliver);
    await mustPublish(driver, message('1'));
    await expect.poll(() => driver.lag(group('a.loose'))).toBe(1);
    await inbox.until(() => asked > 0);
    await server.restart();
    await inbox.until((all) => all.length === 2);
    expect(Date.now() - asked).toBeGreaterThanOrEqual(3_000);
    expect(inbox.deliveries.map(({ attempt }) => attempt)).toEqual([1, 2]);
  }, 40_000);
});
