import { connect } from 'amqplib';
import { describe, expect, it } from 'vitest';
import type { IncomingMessage } from '@waggle/messaging';
import { createRabbitMqDriver } from '../src/index.ts';
import {
  createInbox,
  useServer,
  failure,
  message,
  mustPublish,
  settingsFor,
  TYPE,
  uniqueNamespace,
} from './harness.ts';

const rabbitmq = useServer();
const { stable } = rabbitmq;

const NOWHERE = 'amqp://guest:se-cret@127.0.0.1:1';
const driverAt = (url: string) => createRabbitMqDriver(settingsFor(uniqueNamespace()), { url });

describe('opening', () => {
  it('fails at once when no server is there, without the credentials', async () => {
    const opening = driverAt(NOWHERE).open();
    await expect(opening).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.not.stringContaining('se-cret'),
    });
  });

  it('waits for a server as long as it is told, and ends with the reason of an abort', async () => {
    const started = performance.now();
    expect(await failure(driverAt(NOWHERE).open({ waitMs: 250 }))).toBe('unavailable');
    expect(performance.now() - started).toBeGreaterThanOrEqual(200);
    const reason = new Error('changed my mind');
    await expect(driverAt(NOWHERE).open({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const controller = new AbortController();
    const waiting = driverAt(NOWHERE).open({ waitMs: 60_000, signal: controller.signal });
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
  });

  it('is denied at once with a wrong password, also when told to wait', async () => {
    const driver = driverAt(rabbitmq.server.url.replace('guest:guest', 'guest:wr-ong'));
    const opening = driver.open({ waitMs: 60_000 });
    await expect(opening).rejects.toMatchObject({
      code: 'denied',
      message: expect.not.stringContaining('wr-ong'),
    });
  });

  it('refuses a URL that is none, without repeating it', () => {
    expect(() => driverAt('amqp//guest:se-cret@host')).toThrow(/write amqp:\/\/user/);
    expect(() => driverAt('http://guest:se-cret@host')).toThrow(expect.not.stringContaining('se-cret'));
  });

  it('compares the lane count and the retention, and names both values', async () => {
    const namespace = uniqueNamespace();
    await stable.open(namespace);
    const lanes = stable.open(namespace, { lanes: 8 });
    await expect(lanes).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringMatching(/evt exists with lanes "2".*"8"/s),
    });
    const retention = stable.open(namespace, { retention: { maxAgeMs: 1_000, maxBytes: 100_000_000 } });
    await expect(retention).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringMatching(/evt exists with maxAgeMs "3600000".*"1000"/s),
    });
    expect((await stable.open(namespace)).status).toBe('open');
  });

  it('compares what else is declared, and names the resource and both values', async () => {
    const namespace = uniqueNamespace();
    const group = { group: 'a.b', types: [TYPE], from: 'new', ordering: 'by-key' } as const;
    const driver = await stable.open(namespace);
    await driver.declare({ groups: [group] });
    const conflict = (...said: readonly string[]) => ({
      code: 'conflict',
      message: expect.stringMatching(new RegExp(said.join('.*'), 's')),
    });
    const retention = { maxAgeMs: 3_600_000, maxBytes: 200_000_000 };
    await expect(stable.open(namespace, { retention })).rejects.toMatchObject(
      conflict(`${namespace}.evt`, 'maxBytes "100000000"', '"200000000"'),
    );
    for (const from of ['new', 'beginning'] as const) {
      await expect(driver.declare({ groups: [{ ...group, from, ordering: 'none' }] })).rejects.toMatchObject(
        conflict('grp.a.b exists', 'ordering "by-key"', '"none"'),
      );
    }
    const operator = await connect(rabbitmq.server.url);
    const channel = await operator.createChannel();
    await channel.assertQueue(`${namespace}.cmd.depot.0`);
    await channel.assertExchange(`${namespace}x.evt`, 'fanout');
    await operator.close();
    await expect(driver.declare({ queues: ['depot'] })).rejects.toMatchObject(
      conflict('cmd.depot.0', 'x-single-active-consumer none', "'true'"),
    );
    await expect(stable.open(`${namespace}x`)).rejects.toMatchObject(
      conflict(`${namespace}x.evt`, "type 'fanout'", "'topic'"),
    );
  });

  it('can be tried again after a failure', async () => {
    const driver = createRabbitMqDriver(settingsFor(uniqueNamespace()), { url: rabbitmq.server.url });
    expect(await failure(driver.open({ signal: AbortSignal.abort(new Error('not yet')) }))).toContain(
      'not yet',
    );
    await driver.open();
    expect(driver.status).toBe('open');
    await driver.close();
  });
});

describe('closing', () => {
  it('can be done twice, at once, and everything afterwards is closed', async () => {
    const driver = await stable.open(uniqueNamespace());
    await driver.declare({ queues: ['depot'] });
    const consumer = await driver.consume(
      { source: { kind: 'queue', context: 'depot' }, ordering: 'by-key', concurrency: 1 },
      () => undefined,
    );
    await Promise.all([driver.close(), driver.close(), consumer.close()]);
    await driver.close();
    expect(driver.status).toBe('closed');
    expect((await driver.publish([message('1')])).map((outcome) => outcome?.code)).toEqual(['closed']);
    const source = { kind: 'queue', context: 'depot' } as const;
    const calls = [
      driver.open(),
      driver.declare({}),
      driver.lag(source),
      driver.describe(),
      driver.consume({ source, ordering: 'by-key', concurrency: 1 }, () => undefined),
      driver.read({ kind: 'stream' }, { from: 'beginning', follow: false })[Symbol.asyncIterator]().next(),
    ];
    expect(await Promise.all(calls.map(failure))).toEqual(calls.map(() => 'closed'));
  });

  it('leaves no connection, timer or socket behind', async () => {
    const handles = (): number =>
      process.getActiveResourcesInfo().filter((name) => name.startsWith('TCPSocket')).length;
    const before = handles();
    const namespace = uniqueNamespace();
    const driver = await stable.open(namespace, {}, { name: namespace });
    await driver.declare({ groups: [{ group: 'a.b', types: ['*'], from: 'new', ordering: 'by-key' }] });
    await driver.consume(
      { source: { kind: 'group', group: 'a.b' }, ordering: 'by-key', concurrency: 1 },
      () => undefined,
    );
    await driver.close();
    await expect.poll(handles).toBeLessThanOrEqual(before);
    await expect
      .poll(async () => await rabbitmq.server.ctl('list_connections', 'client_properties'))
      .not.toContain(namespace);
  });

  it('before open is harmless, and what needs a connection says so', async () => {
    const driver = driverAt(rabbitmq.server.url);
    expect(driver.status).toBe('new');
    expect((await driver.publish([message('1')])).map((outcome) => outcome?.code)).toEqual(['closed']);
    await driver.close();
    expect(await failure(driver.open())).toBe('closed');
  });

  it('stops an open that is still waiting', async () => {
    const driver = driverAt(NOWHERE);
    const opening = failure(driver.open({ waitMs: 60_000 }));
    await driver.close();
    expect(await opening).toBe('closed');
  });
});

describe('describing', () => {
  it('tells what exists for people, without credentials', async () => {
    const driver = await stable.open(uniqueNamespace());
    await driver.declare({
      queues: ['depot'],
      groups: [{ group: 'a.b', types: [TYPE], from: 'new', ordering: 'none' }],
    });
    const resources = await driver.describe();
    expect(resources.map(({ kind }) => kind)).toEqual([
      'server',
      'exchange',
      'exchange',
      'log',
      'log',
      'queue',
      'group',
    ]);
    expect(JSON.stringify(resources)).not.toContain('guest');
  });
});

describe('foreign clients', () => {
  it('are understood: structured and binary mode, with either prefix', async () => {
    const namespace = uniqueNamespace();
    const driver = await stable.open(namespace);
    await driver.declare({ groups: [{ group: 'a.b', types: [TYPE], from: 'new', ordering: 'by-key' }] });
    const inbox = createInbox();
    await driver.consume(
      { source: { kind: 'group', group: 'a.b' }, ordering: 'by-key', concurrency: 5 },
      inbox.deliver,
    );
    const foreign = await connect(rabbitmq.server.url);
    const channel = await foreign.createConfirmChannel();
    const send = (headers: Record<string, unknown>, type?: string) =>
      channel.publish(`${namespace}.evt`, `1.${TYPE}`, Buffer.from('{}'), {
        headers,
        contentType: 'application/json',
        ...(type === undefined ? {} : { type }),
      });
    send({});
    send({ 'cloudEvents:type': 'a.one.v1', 'cloudEvents:Id': 'i1', 'cloudEvents:sequence': 7 });
    send({ cloudEvents_type: 'a.two.v1', cloudEvents_flag: true, nested: { a: 1 } });
    send({ 'CE-Type': 'a.three.v1', 'X-Other': 'kept' });
    send({}, 'a.four.v1');
    await channel.waitForConfirms();
    await foreign.close();
    await inbox.until((all) => all.length === 5);
    expect(
      inbox.deliveries.map(({ message: { type, headers, id } }: { message: IncomingMessage }) => [
        type,
        headers,
        id,
      ]),
    ).toEqual([
      [TYPE, {}, undefined],
      ['a.one.v1', { 'ce-type': 'a.one.v1', 'ce-id': 'i1', 'ce-sequence': '7' }, undefined],
      ['a.two.v1', { 'ce-type': 'a.two.v1', 'ce-flag': 'true' }, undefined],
      ['a.three.v1', { 'ce-type': 'a.three.v1', 'x-other': 'kept' }, undefined],
      ['a.four.v1', {}, undefined],
    ]);
  });

  it('understand what is published here', async () => {
    const namespace = uniqueNamespace();
    const driver = await stable.open(namespace);
    const foreign = await connect(rabbitmq.server.url);
    const channel = await foreign.createChannel();
    const { queue } = await channel.assertQueue('', { exclusive: true });
    await channel.bindQueue(queue, `${namespace}.evt`, '1.parcels.#');
    await mustPublish(
      driver,
      message('1', {
        lane: 1,
        headers: { traceparent: 't' },
        hints: { timeMs: 1_700_000_000_999, correlationId: 'c' },
      }),
    );
    const got = await channel.get(queue, { noAck: true });
    await foreign.close();
    if (got === false) throw new Error('nothing arrived');
    const { messageId, type, contentType, timestamp, correlationId, deliveryMode, headers } = got.properties;
    expect({
      messageId,
      type,
      contentType,
      timestamp,
      correlationId,
      deliveryMode,
      headers,
      key: got.fields.routingKey,
    }).toEqual({
      messageId: '1',
      type: TYPE,
      contentType: 'application/json',
      timestamp: 1_700_000_000,
      correlationId: 'c',
      deliveryMode: 2,
      headers: { traceparent: 't' },
      key: `1.${TYPE}`,
    });
  });
});
