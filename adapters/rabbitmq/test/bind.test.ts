import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { usualDelayLevels, type BrokerDriver, type DriverSettings } from '@waggle/messaging';
import { type PrivateServer, startPrivateServer } from '@waggle/test/servers';
import { createInbox, createStable, GROUP, join, message, mustPublish, source, TYPE } from './harness.ts';
import { uniqueNamespace } from './harness.ts';
import { closeConnections } from '../testing/server.ts';

let server: PrivateServer;
let owner: ReturnType<typeof createStable>;
let guest: ReturnType<typeof createStable>;

beforeAll(async () => {
  server = await startPrivateServer('rabbitmq');
  await server.ctl('add_user', 'bound', 'a-password');
  // As the README has it. All namespaces of this file begin with t.
  await server.ctl('set_permissions', 'bound', '^$', '^(t[^.]*\\..*|amq\\.default)$', '^t[^.]*\\..*$');
  owner = createStable(() => server.url);
  guest = createStable(() => server.url.replace('guest:guest', 'bound:a-password'));
}, 60_000);
afterEach(() => Promise.all([owner?.closeAll(), guest?.closeAll()]));
afterAll(() => server?.stop());

const bind = (namespace: string, settings: Partial<DriverSettings> = {}): Promise<BrokerDriver> =>
  guest.open(namespace, { ...settings, topology: 'bind' });

const everything = async (): Promise<string> =>
  (await Promise.all(['queues', 'exchanges', 'bindings'].map((what) => server.ctl(`list_${what}`)))).join(
    '\n',
  );

const groups = [
  { group: GROUP, types: [TYPE], from: 'new', ordering: 'by-key' },
  { group: 'reports.count', types: ['*'], from: 'beginning', ordering: 'none' },
] as const;
const count = { kind: 'group', group: 'reports.count' } as const;
const queue = { kind: 'queue', context: 'depot' } as const;

describe('a process that only binds, as a user who may configure nothing', () => {
  it('publishes, consumes by key and without order, retries, and reads; and creates nothing', async () => {
    const namespace = uniqueNamespace();
    const first = await owner.open(namespace, {}, { delaysAhead: true });
    await mustPublish(first, message('0'));
    await first.declare({ queues: ['depot'], groups });
    await owner.closeAll();
    const before = (await everything()).replace(/\t\d+$/gm, '');

    const driver = await bind(namespace);
    await driver.declare({ queues: ['depot'], groups });
    const failing = () =>
      createInbox((delivery) => (delivery.attempt === 1 ? delivery.retry(60) : delivery.ack()));
    const [byKey, unordered, commands] = [failing(), failing(), failing()];
    await join(driver, byKey.deliver);
    await driver.consume({ source: count, ordering: 'none', concurrency: 5 }, unordered.deliver);
    await driver.consume({ source: queue, ordering: 'by-key', concurrency: 5 }, commands.deliver);
    const command = { to: queue, type: 'depot.sort-parcel.v1', lane: 'unordered' } as const;
    await mustPublish(
      driver,
      message('1'),
      message('2', { lane: 'unordered' }),
      message('3', command),
      message('4', { to: { kind: 'dead-letters' } }),
    );
    await byKey.until((all) => all.length === 4);
    await unordered.until((all) => all.length === 6);
    await commands.until((all) => all.length === 2);
    expect(unordered.ids().toSorted()).toEqual(['0', '0', '1', '1', '2', '2']);
    const read = async (kind: 'stream' | 'dead-letters') => {
      const ids = [];
      for await (const { message: one } of driver.read({ kind }, { from: 'beginning', follow: false }))
        ids.push(one.id);
      return ids;
    };
    expect([await read('stream'), await read('dead-letters')]).toEqual([['0', '1', '2'], ['4']]);
    expect((await driver.describe()).flatMap(({ consumption }) => consumption ?? [])).toHaveLength(3);
    await closeConnections(server);
    await expect.poll(() => driver.publish([message('5')])).toEqual([undefined]);
    await unordered.until(() => unordered.ids().filter((id) => id === '5').length === 2);
    expect((await everything()).replace(/\t\d+$/gm, '')).toBe(before);
  }, 30_000);

  it('keeps the place of a retry where nobody made the delay, and the delay', async () => {
    const namespace = uniqueNamespace();
    await (await owner.open(namespace)).declare({ queues: ['depot'] });
    const driver = await bind(namespace);
    const times: number[] = [];
    const inbox = createInbox((delivery) => {
      times.push(performance.now());
      if (delivery.attempt === 1) delivery.retry(300);
      else delivery.ack();
    });
    await driver.consume({ source: queue, ordering: 'by-key', concurrency: 1 }, inbox.deliver);
    await mustPublish(driver, message('1', { to: queue, lane: 'unordered' }));
    await inbox.until((all) => all.length === 2);
    expect(Number(times[1]) - Number(times[0])).toBeGreaterThanOrEqual(300);
  });

  it('names what is missing', async () => {
    const namespace = uniqueNamespace();
    const missing = (what: string) => ({ code: 'unroutable', message: expect.stringContaining(what) });
    await expect(bind(namespace)).rejects.toMatchObject(missing(`'${namespace}.`));
    await owner.open(namespace);
    const driver = await bind(namespace);
    await expect(driver.declare({ groups })).rejects.toMatchObject(missing(GROUP));
    await expect(driver.declare({ queues: ['depot'] })).rejects.toMatchObject(missing('cmd.depot'));
    await expect(join(driver, () => undefined)).rejects.toMatchObject(missing(GROUP));
  });

  it('names what differs, and both values', async () => {
    const namespace = uniqueNamespace();
    await (await owner.open(namespace)).declare({ groups });
    const differs = (...values: readonly string[]) => ({
      code: 'conflict',
      message: expect.stringMatching(values.join('.*')),
    });
    await expect(bind(namespace, { lanes: 8 })).rejects.toMatchObject(differs('evt', 'lanes "2"', '"8"'));
    const retention = { maxAgeMs: 3_600_000, maxBytes: 7_000_000 };
    await expect(bind(namespace, { retention })).rejects.toMatchObject(
      differs('maxBytes "100000000"', '"7000000"'),
    );
    const driver = await bind(namespace);
    const none = [{ ...groups[0], ordering: 'none' }] as const;
    await expect(driver.declare({ groups: none })).rejects.toMatchObject(
      differs(GROUP, 'ordering "by-key"', '"none"'),
    );
    const more = [{ ...groups[0], types: [TYPE, 'a.b.v1'] }] as const;
    await expect(driver.declare({ groups: more })).rejects.toMatchObject(
      differs(GROUP, `types "${TYPE}"`, `"${TYPE} a.b.v1"`),
    );
  });

  it('removes nothing', async () => {
    const namespace = uniqueNamespace();
    await (await owner.open(namespace)).declare({ groups });
    await expect((await bind(namespace)).declare({ absent: [source] })).rejects.toMatchObject({
      code: 'invalid',
    });
  });
});

describe('an owner', () => {
  it('makes the delays of the usual curve ahead, once', async () => {
    const namespace = uniqueNamespace();
    await owner.open(namespace, {}, { delaysAhead: true });
    const list = async (): Promise<number> =>
      (await server.ctl('list_queues', 'name'))
        .split('\n')
        .filter((name) => name.startsWith(`${namespace}.delay.`)).length;
    expect(await list()).toBe(usualDelayLevels().length);
    await server.ctl('delete_queue', `${namespace}.delay.50`);
    await owner.open(namespace, {}, { delaysAhead: true });
    expect(await list()).toBe(usualDelayLevels().length - 1);
  });
});
