import { describe, expect, test } from 'vitest';
import { startPrivateServer } from '@waggle/test/servers';
import { event, useServer } from './harness.ts';

const USERS = `
  authorization { users: [
    { user: waggle, password: "s3cret/pw" }
    { user: reader, password: "s3cret/pw", permissions: { publish: { deny: ["*.evt.1.>"] } } }
  ] }`;
const bench = useServer(USERS);
const url = (user = 'waggle', password = 's3cret%2Fpw') => bench.url.replace('//', `//${user}:${password}@`);
const driverFor = (user?: string, settings = {}) => bench.driver(settings, { url: url(user) });

describe('opening', () => {
  test('takes user and password from the URL, and any of several servers', async () => {
    const driver = bench.driver({}, { url: `nats://127.0.0.1:1,${url()}` });
    expect(driver.status).toBe('new');
    await driver.open();
    expect(driver.status).toBe('open');
  });

  test('with wrong credentials is denied at once, and the error does not tell them', async () => {
    const driver = bench.driver({}, { url: url('waggle', 'wr0ng') });
    const error = await driver.open({ waitMs: 20_000 }).catch((problem: unknown) => problem);
    expect(error).toMatchObject({ code: 'denied', message: expect.not.stringContaining('wr0ng') });
  });

  test('without a server is unavailable at once, and with time to wait after that', async () => {
    const nowhere = { url: 'nats://user:s3cret@127.0.0.1:1' };
    const error = await bench
      .driver({}, nowhere)
      .open()
      .catch((problem: unknown) => problem);
    expect(error).toMatchObject({ code: 'unavailable', message: expect.not.stringContaining('s3cret') });
    const since = Date.now();
    await expect(bench.driver({}, nowhere).open({ waitMs: 300 })).rejects.toMatchObject({
      code: 'unavailable',
    });
    expect(Date.now() - since).toBeGreaterThanOrEqual(300);
  });

  test('waits for a server that comes up', async () => {
    const server = await startPrivateServer('nats');
    try {
      await server.kill();
      const opening = bench.driver({}, { url: server.url }).open({ waitMs: 20_000 });
      await server.restart();
      await opening;
    } finally {
      await server.stop();
    }
  });

  test('ends with the reason of its signal, before and while waiting', async () => {
    const reason = new Error('enough');
    await expect(driverFor().open({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const abort = new AbortController();
    const opening = bench
      .driver({}, { url: 'nats://127.0.0.1:1' })
      .open({ waitMs: 60_000, signal: abort.signal });
    abort.abort(reason);
    await expect(opening).rejects.toBe(reason);
  });

  test('refuses what is not a URL without repeating it, and a server without JetStream', async () => {
    const error = await bench
      .driver({}, { url: 'nats://u:s3cret@:x y' })
      .open()
      .catch((problem: unknown) => problem);
    expect(error).toMatchObject({ code: 'invalid', message: expect.not.stringContaining('s3cret') });
    const server = await startPrivateServer('nats', {
      config: 'accounts: { plain: { users: [{ user: a, password: b }] } }',
    });
    try {
      const driver = bench.driver({}, { url: server.url.replace('//', '//a:b@') });
      await expect(driver.open()).rejects.toMatchObject({
        code: 'invalid',
        message: expect.stringContaining('JetStream'),
      });
      expect(driver.status).toBe('new');
    } finally {
      await server.stop();
    }
  });

  test('refuses another number of lanes or another retention than what exists, naming both', async () => {
    const namespace = bench.namespace();
    await driverFor('waggle', { namespace, lanes: 4 }).open();
    await expect(driverFor('waggle', { namespace, lanes: 8 }).open()).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringMatching(/_evt.*lanes=4.*lanes=8/),
    });
    const retention = { maxAgeMs: 60_000, maxBytes: Infinity };
    await expect(driverFor('waggle', { namespace, lanes: 4, retention }).open()).rejects.toMatchObject({
      code: 'conflict',
    });
    await driverFor('waggle', { namespace, lanes: 4 }).open();
  });
});

describe('closing', () => {
  test('twice, at once, or before opening is one closing, and everything afterwards is closed', async () => {
    const driver = driverFor();
    await driver.open();
    await Promise.all([driver.close(), driver.close()]);
    await driver.close();
    expect(driver.status).toBe('closed');
    const closed = { code: 'closed' };
    await expect(driver.open()).rejects.toMatchObject(closed);
    await expect(driver.declare({})).rejects.toMatchObject(closed);
    await expect(driver.describe()).rejects.toMatchObject(closed);
    await expect(driver.lag({ kind: 'queue', context: 'a' })).rejects.toMatchObject(closed);
    const unopened = driverFor();
    await unopened.close();
    await expect(unopened.open()).rejects.toMatchObject(closed);
  });

  test('waits for the confirmation of what was published', async () => {
    const driver = driverFor();
    await driver.open();
    const publishing = driver.publish([event(), event()]);
    await driver.close();
    expect(await publishing).toEqual([undefined, undefined]);
  });

  test('while opening ends the opening', async () => {
    const driver = bench.driver({}, { url: 'nats://127.0.0.1:1' });
    const opening = expect(driver.open({ waitMs: 60_000 })).rejects.toMatchObject({ code: 'closed' });
    await driver.close();
    await opening;
  });
});

describe('permissions', () => {
  test('that are missing make a publication denied, and others succeed', async () => {
    const namespace = bench.namespace();
    await driverFor('waggle', { namespace }).open();
    const driver = driverFor('reader', { namespace });
    await driver.open();
    const outcomes = await driver.publish([event({ lane: 0 }), event({ lane: 1 }), event({ lane: 2 })]);
    expect(outcomes.map((each) => each?.code)).toEqual([undefined, 'denied', undefined]);
  });
});

test('describing shows the streams, groups and queues of the namespace alone, without credentials', async () => {
  const namespace = bench.namespace();
  await driverFor().open();
  const driver = driverFor('waggle', { namespace, lanes: 2 });
  await driver.open();
  await driver.declare({
    queues: ['depot'],
    groups: [{ group: 'a.b', types: ['*'], from: 'new', ordering: 'none' }],
  });
  const resources = await driver.describe();
  expect(resources.map(({ kind, name }) => `${kind} ${name}`).sort()).toEqual(
    [
      'group a.b',
      'queue depot',
      `stream ${namespace}_cmd_depot`,
      `stream ${namespace}_dead`,
      `stream ${namespace}_evt`,
    ].sort(),
  );
  expect(JSON.stringify(resources)).not.toContain('s3cret');
});
