import { connect } from 'amqplib';
import { describe, expect, it } from 'vitest';
import type { BrokerDriver, GroupDeclaration, TopologyResource } from '@waggle/messaging';
import { createInbox, useServer, GROUP, join, message, mustPublish, openWithGroup } from './harness.ts';
import { source, TYPE, uniqueNamespace } from './harness.ts';
import { closeConnections } from '../testing/server.ts';

const rabbitmq = useServer();
const { stable } = rabbitmq;

const orderings = ['by-key', 'none'] as const;
const from = (start: GroupDeclaration['from'], ordering: GroupDeclaration['ordering'] = 'by-key') =>
  ({ groups: [{ group: GROUP, types: [TYPE], from: start, ordering }] }) as const;
const absent = { absent: [source] } as const;

/** What the server itself says: the queues of a namespace. */
async function queuesOf(namespace: string): Promise<readonly string[]> {
  const list = await rabbitmq.server.ctl('list_queues', 'name');
  return list.split('\n').filter((name) => name.startsWith(`${namespace}.grp.`));
}

async function consumptionOf(driver: BrokerDriver): Promise<readonly TopologyResource['consumption'][]> {
  return (await driver.describe()).flatMap(({ consumption }) => consumption ?? []);
}

describe.each(orderings)('removing a group, ordering %s', (ordering) => {
  it('removes everything of it, what is unsettled too, and is a success where nothing is', async () => {
    const namespace = uniqueNamespace();
    const driver = await openWithGroup(stable, ordering, namespace);
    await driver.declare({ queues: ['depot'] });
    await mustPublish(driver, message('1'));
    const other = await stable.open(namespace);
    await other.declare({ absent: [source, { kind: 'queue', context: 'depot' }] });
    await other.declare(absent);
    expect(await queuesOf(namespace)).toEqual([]);
    expect(await consumptionOf(other)).toEqual([]);
    await expect(other.lag(source)).rejects.toMatchObject({ code: 'unroutable' });
    await expect(join(other, () => undefined, ordering)).rejects.toMatchObject({ code: 'unroutable' });
  });

  it('is a conflict while a member of any process consumes it, and nothing is lost then', async () => {
    const namespace = uniqueNamespace();
    const driver = await openWithGroup(stable, ordering, namespace);
    const inbox = createInbox();
    const consumer = await join(driver, inbox.deliver, ordering);
    const other = await stable.open(namespace);
    await expect(other.declare(absent)).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining(GROUP),
    });
    await mustPublish(other, message('1'));
    await inbox.until((all) => all.length === 1);
    await consumer.close();
    await other.declare(absent);
    expect(await consumptionOf(driver)).toEqual([]);
  });

  it('lets it begin anew at its place, also when an idle process knew another', async () => {
    const namespace = uniqueNamespace();
    const idle = await stable.open(namespace);
    await mustPublish(idle, message('1'), message('2'));
    await idle.declare(from('beginning', ordering));
    const first = createInbox();
    const consumer = await join(idle, first.deliver, ordering);
    await first.until((all) => all.length === 2);
    await consumer.close();
    const driver = await stable.open(namespace);
    await driver.declare({ ...absent, ...from('new', ordering) });
    await mustPublish(driver, message('3'));
    await driver.declare({ ...absent, ...from('beginning', ordering) });
    const second = createInbox();
    await join(idle, second.deliver, ordering);
    await second.until((all) => all.length === 3);
    await mustPublish(driver, message('4'));
    await second.until((all) => all.length === 4);
    expect(second.ids()).toEqual(['1', '2', '3', '4']);
  });

  it('is not undone by an idle process that pumped it, nor by its next connection', async () => {
    const namespace = uniqueNamespace();
    const idle = await stable.open(namespace);
    await idle.declare(from('beginning', ordering));
    const driver = await stable.open(namespace);
    await driver.declare(absent);
    await mustPublish(idle, message('1'));
    await closeConnections(rabbitmq.server);
    await expect.poll(() => idle.publish([message('2')])).toEqual([undefined]);
    await driver.lag(source).catch(() => undefined);
    expect(await queuesOf(namespace)).toEqual([]);
    await idle.declare(from('beginning', ordering));
    const inbox = createInbox();
    await join(idle, inbox.deliver, ordering);
    await inbox.until((all) => all.length === 2);
  }, 20_000);
});

describe('describing consumption', () => {
  it('tells of every group and queue, whichever process declared it, also of orphans', async () => {
    const namespace = uniqueNamespace();
    const one = await openWithGroup(stable, 'none', namespace);
    await one.declare({ queues: ['depot'] });
    const two = await stable.open(namespace);
    await two.declare(from('new', 'none'));
    await two.declare({
      groups: [{ group: 'a.b', types: ['parcels.*', 'a.c.v1'], from: 'beginning', ordering: 'by-key' }],
    });
    await one.close();
    await mustPublish(two, message('1'), message('2'));
    const consumer = await two.consume(
      { source: { kind: 'queue', context: 'depot' }, ordering: 'by-key', concurrency: 1 },
      () => undefined,
    );
    const queue = { kind: 'queue', context: 'depot' };
    const expected = [
      { source, ordering: 'none', types: [TYPE], lag: 2, inUse: false },
      { source: queue, ordering: 'by-key', types: ['*'], lag: 0, inUse: true },
      {
        source: { kind: 'group', group: 'a.b' },
        ordering: 'by-key',
        types: ['parcels.*', 'a.c.v1'],
        lag: 2,
        inUse: false,
      },
    ];
    const third = await stable.open(namespace);
    await expect.poll(() => consumptionOf(third)).toEqual(expected);
    expect(await third.lag(source)).toBe(2);
    await consumer.close();
    expect((await consumptionOf(third)).map((one) => one?.inUse)).toEqual([false, false, false]);
  });

  it('counts the types that any member asked for', async () => {
    const namespace = uniqueNamespace();
    const driver = await openWithGroup(stable, 'by-key', namespace);
    const newer = await stable.open(namespace);
    await newer.declare({ groups: [{ group: GROUP, types: ['a.b.v1'], from: 'new', ordering: 'by-key' }] });
    expect((await consumptionOf(driver))[0]?.types).toEqual([TYPE, 'a.b.v1']);
  });

  it('writes nothing twice', async () => {
    const namespace = uniqueNamespace();
    const driver = await openWithGroup(stable, 'by-key', namespace);
    const count = async (): Promise<number> => {
      const operator = await connect(rabbitmq.server.url);
      const channel = await operator.createChannel();
      await channel.prefetch(100);
      const types: unknown[] = [];
      const { promise, resolve } = Promise.withResolvers<void>();
      const from = { arguments: { 'x-stream-offset': 'first' } };
      const done = (): void => (types.at(-1) === 'end' ? resolve() : undefined);
      await channel.consume(`${namespace}.groups`, (raw) => (types.push(raw?.properties.type), done()), from);
      channel.sendToQueue(`${namespace}.groups`, Buffer.alloc(0), { type: 'end' });
      await promise;
      await operator.close();
      return types.filter((type) => type === 'waggle.record').length;
    };
    const before = await count();
    await driver.declare(from('new'));
    await (await stable.open(namespace)).declare(from('new'));
    expect([before, await count()]).toEqual([2, 2]);
  });
});
