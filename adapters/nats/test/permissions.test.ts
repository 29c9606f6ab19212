import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { silentLogger, type CloudEvent } from '@waggle/kernel';
import { createMessaging, type BrokerDriver, type DriverSettings } from '@waggle/messaging';
import { afterEach, beforeAll, afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { startPrivateServer, type PrivateServer } from '@waggle/test/servers';
import { createNatsDriver } from '../src/index.ts';
import { event, groupSource, hands, publish } from './harness.ts';

/** The table of the README, for the namespace `shop` and one queue, `depot`. */
const STREAMS = ['shop_evt', 'shop_dead', 'shop_cmd_depot'] as const;
const each = (...subjects: readonly string[]) =>
  STREAMS.flatMap((stream) => subjects.map((subject) => subject.replace('<stream>', stream)));
const TALK = ['shop.evt.>', 'shop.cmd.depot.>'];
const TAKE = each('$JS.API.CONSUMER.MSG.NEXT.<stream>.>', '$JS.ACK.<stream>.>');
const LOOK = each('$JS.API.STREAM.INFO.<stream>', '$JS.API.CONSUMER.INFO.<stream>.>');
const READ = each('$JS.API.DIRECT.GET.<stream>', '$JS.API.STREAM.MSG.GET.<stream>');
const OPERATE = [
  '$JS.API.STREAM.LIST',
  ...each('$JS.API.STREAM.*.<stream>', '$JS.API.CONSUMER.*.<stream>'),
  ...each('$JS.API.CONSUMER.*.<stream>.>', '$JS.API.CONSUMER.*.*.<stream>.>'),
];
const HEAR = [
  '_INBOX.>',
  ...each('$JS.EVENT.ADVISORY.CONSUMER.DELETED.<stream>.*'),
  'shop.evt.>',
  'shop.dead',
];

const USERS = {
  declaring: { publish: [...TALK, 'shop.dead', ...TAKE, ...READ, ...OPERATE], subscribe: HEAR },
  bound: { publish: [...TALK, 'shop.dead', ...TAKE, ...READ, ...LOOK], subscribe: HEAR },
  deaf: { publish: [...TALK, 'shop.dead', ...TAKE, ...READ, ...LOOK], subscribe: ['_INBOX.>'] },
  publishing: { publish: [...TALK, ...LOOK], subscribe: ['_INBOX.>'] },
};
type User = keyof typeof USERS;

let server: PrivateServer;
const cleanUps: (() => Promise<unknown>)[] = [];
const said: string[] = [];

beforeAll(async () => {
  server = await startPrivateServer('nats', { config: authorization(USERS) });
  await as('declaring', {}).open();
});
afterEach(async () => {
  await Promise.all(cleanUps.splice(0).map((cleanUp) => cleanUp()));
  said.length = 0;
});
afterAll(() => server.stop());

function authorization(users: Record<string, { publish: readonly string[]; subscribe: readonly string[] }>) {
  const list = (subjects: readonly string[]): string => JSON.stringify(subjects);
  const entries = Object.entries(users).map(
    ([user, { publish: out, subscribe }]) =>
      `{ user: "${user}", password: "x", permissions: { publish: { allow: ${list(out)} }, subscribe: { allow: ${list(subscribe)} } } }`,
  );
  return `authorization { users = [ ${entries.join('\n')} ] }`;
}

/** The server goes on with other permissions, as after `nats-server --signal reload`. */
function reload(users: Parameters<typeof authorization>[0]): void {
  const file = join(server.folder, 'nats.conf');
  const [before = ''] = readFileSync(file, 'utf8').split('authorization');
  writeFileSync(file, `${before}${authorization(users)}\n`);
  process.kill(server.pid() ?? 0, 'SIGHUP');
}

function as(user: User, changes: Partial<DriverSettings> = { topology: 'bind' }): BrokerDriver {
  const driver = createNatsDriver(
    {
      namespace: 'shop',
      lanes: 2,
      retention: { maxAgeMs: 3_600_000, maxBytes: Infinity },
      maxMessageBytes: 1_048_576,
      requestTimeoutMs: 5000,
      leaseMs: 30_000,
      logger: {
        ...silentLogger,
        error: (what, fields) => void said.push(`${what} ${JSON.stringify(fields)}`),
      },
      ...changes,
    },
    { url: server.url.replace('//', `//${user}:x@`) },
  );
  cleanUps.push(() => driver.close());
  return driver;
}

async function opened(user: User, changes?: Partial<DriverSettings>): Promise<BrokerDriver> {
  const driver = as(user, changes);
  await driver.open();
  return driver;
}

const groupOf = (group: string, ordering: 'by-key' | 'none' = 'by-key') =>
  ({ group, types: ['*'], from: 'new', ordering }) as const;

const aMessage = (type: string, id = ''): CloudEvent => ({
  specversion: '1.0',
  id,
  source: '/test',
  type,
  partitionkey: 'a',
  data: {},
});

async function readIds(driver: BrokerDriver, count: number): Promise<readonly (string | undefined)[]> {
  const ids: (string | undefined)[] = [];
  for await (const { message } of driver.read({ kind: 'stream' }, { from: 'beginning', follow: true })) {
    ids.push(message.id);
    if (ids.length === count) break;
  }
  return ids;
}

describe.each(['bound', 'deaf'] as const)('a user who may create, alter and delete nothing (%s)', (user) => {
  test.each(['by-key', 'none'] as const)(
    'publishes, sends, consumes %s with retries and dead letters, and reads',
    async (ordering) => {
      const group = `${user}.${ordering === 'none' ? 'loose' : 'keyed'}`;
      const declaring = await opened('declaring', {});
      await declaring.declare({ queues: ['depot'], groups: [groupOf(group, ordering)] });
      const driver = await opened(user);
      const messaging = createMessaging({ driver, lanes: 2 });
      const [bad, good, command] = ['bad', 'good', 'command'].map((id) => `${id} ${group}`);
      const handled: string[] = [];
      const retry = { maxAttempts: 2, initialDelayMs: 10, jitter: 0 };
      await messaging.events.subscribe(
        { group, types: ['*'], ordering, retry },
        async ({ id }, { attempt }) => {
          handled.push(`${id}#${attempt}`);
          if (id === bad) throw new Error('no');
        },
      );
      await messaging.queue.declare('depot');
      await messaging.queue.receive({ context: 'depot' }, async ({ id }) => void handled.push(id));
      await messaging.events.publish(
        aMessage('shop.thing-sold.v1', bad),
        aMessage('shop.thing-sold.v1', good),
      );
      await messaging.queue.send(aMessage('depot.sort.v1', command));
      await expect
        .poll(() => handled.toSorted())
        .toEqual([`${bad}#1`, `${bad}#2`, command, `${good}#1`].toSorted());
      await expect
        .poll(async () => (await messaging.deadLetters.list()).some(({ consumer }) => consumer === group))
        .toBe(true);
      expect(await readIds(driver, 2)).toHaveLength(2);
      await messaging.close();
      expect(user === 'bound' ? said : []).toEqual([]);
    },
  );

  test('is told what is missing, and creates it in no way', async () => {
    const driver = await opened(user);
    const missing = (name: string) => ({ code: 'unroutable', message: expect.stringContaining(name) });
    await expect(driver.declare({ groups: [groupOf('not.there')] })).rejects.toMatchObject(
      missing('group not.there'),
    );
    await expect(as(user, { topology: 'bind', namespace: 'shop', lanes: 3 }).open()).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining(
        'stream shop_evt exists with description "waggle lanes=2", and this process asks for "waggle lanes=3"',
      ),
    });
    const wishful = await opened(user, {});
    await expect(wishful.declare({ groups: [groupOf('not.there')] })).rejects.toMatchObject({
      code: 'denied',
      message: expect.stringContaining('CONSUMER'),
    });
  });
});

test('what differs is named with both values, and not altered', async () => {
  const declaring = await opened('declaring', {});
  const group = groupOf('differs.here');
  await declaring.declare({ groups: [group] });
  const impatient = await opened('declaring', { topology: 'bind', leaseMs: 20_000 });
  await expect(impatient.declare({ groups: [group] })).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringMatching(
      /consumer shop_evt\/differs_here_\w+ exists with ack_wait "27000000000", and this process asks for "18000000000"/,
    ),
  });
  await expect(impatient.declare({ groups: [groupOf('differs.here', 'none')] })).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining(
      'group differs.here exists with ordering "by-key", and this process asks for "none"',
    ),
  });
  const bound = await opened('bound');
  await bound.declare({ groups: [group] });
  const { message } = (await bound
    .consume({ source: groupSource('differs.here'), ordering: 'by-key', concurrency: 1 }, () => undefined)
    .then(() => new Error('attached'))) as Error;
  expect(message).toBe('attached');
  const stranger = await opened('bound');
  await expect(hands(stranger, groupSource('differs.here'), { ordering: 'none' })).rejects.toMatchObject({
    code: 'conflict',
  });
});

test('a user who only publishes can do that, and neither consume nor read', async () => {
  const declaring = await opened('declaring', {});
  await declaring.declare({ queues: ['depot'], groups: [groupOf('other.group')] });
  const driver = await opened('publishing');
  await driver.declare({ queues: ['depot'] });
  await publish(driver, event(), event({ to: { kind: 'queue', context: 'depot' } }));
  await expect(hands(driver, groupSource('other.group'))).rejects.toMatchObject({
    code: 'denied',
    message: expect.stringContaining('CONSUMER.MSG.NEXT.shop_evt.other_group_'),
  });
  await expect(readIds(driver, 1)).rejects.toMatchObject({ code: 'denied' });
  const [outcome] = await driver.publish([event({ to: { kind: 'dead-letters' } })]);
  expect(outcome?.code).toBe('denied');
});

test('a permission to consume that is taken away is an error in the log, and consuming goes on when it is back', async () => {
  const declaring = await opened('declaring', {});
  await declaring.declare({ groups: [groupOf('moody.group')] });
  const driver = await opened('bound');
  const taken: (string | undefined)[] = [];
  const options = { source: groupSource('moody.group'), ordering: 'by-key', concurrency: 1 } as const;
  const consumer = await driver.consume(options, (delivery) => {
    taken.push(delivery.message.id);
    delivery.ack();
  });
  await publish(declaring, event({ id: 'before' }));
  await expect.poll(() => taken).toEqual(['before']);
  const isNext = (subject: string): boolean => subject.startsWith('$JS.API.CONSUMER.MSG.NEXT');
  const { publish: out, subscribe } = USERS.bound;
  onTestFinished(() => reload(USERS));
  reload({ ...USERS, bound: { publish: out.filter((subject) => !isNext(subject)), subscribe } });
  // A request that waits at the server is still answered: it is the next one that is not.
  await publish(declaring, event({ id: 'meanwhile' }));
  await expect.poll(() => consumer.isAttached, { timeout: 10_000 }).toBe(false);
  await expect.poll(() => said.join('\n')).toContain('the broker refuses it');
  expect(said.join('\n')).toContain('$JS.API.CONSUMER.MSG.NEXT.shop_evt.moody_group_');
  await publish(declaring, event({ id: 'later' }));
  reload(USERS);
  await expect.poll(() => taken, { timeout: 15_000 }).toEqual(['before', 'meanwhile', 'later']);
  await expect.poll(() => consumer.isAttached).toBe(true);
});
