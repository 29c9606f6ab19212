import { once } from 'node:events';
import { Agent, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { createMemoryBroker } from '@waggle/adapter-memory';
import { defineEvent, orderConfirmed, takePayment } from '@waggle/contracts';
import type { Observation } from '@waggle/kernel';
import { onCommand, onEvent } from '@waggle/kernel';
import { ContainerModule } from 'inversify';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Routes } from '../src/index.ts';
import { defineService, identifier, offered, provided, startHost } from '../src/index.ts';
import { aHost, aService, memoryDriver, memoryLogger, publishing } from './start.ts';

const nothing = async (): Promise<void> => undefined;
const { kind: _, ...confirmed } = orderConfirmed(orderConfirmed.example);
const event = { specversion: '1.0', id: 'e1', source: '/test', ...confirmed } as const;

async function freePort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return String(port);
}

describe('a host that has started', () => {
  test('misses nothing: its groups existed before it took requests', async () => {
    const { promise: handled, resolve } = Promise.withResolvers<string>();
    const listen = onEvent('listen', orderConfirmed, async ({ data }) => resolve(data.orderId));
    const routes = publishing(orderConfirmed({ orderId: 'first', customerId: 'ada' }));
    const host = await aHost([
      aService({ name: 'speaks', routes }),
      aService({ name: 'listens', handlers: [listen] }),
    ]);
    expect((await fetch(`${host.url}/things`, { method: 'POST' })).status).toBe(202);
    expect(await handled).toBe('first');
  });

  test('takes no request before its groups exist: until then the port is shut', async () => {
    const asked = Promise.withResolvers<void>();
    const held = Promise.withResolvers<void>();
    const driver = memoryDriver(undefined, (whole) => ({
      async declare(topology) {
        asked.resolve();
        await held.promise;
        await whole.declare(topology);
      },
    }));
    const PORT = await freePort();
    const listen = onEvent('listen', orderConfirmed, nothing);
    const starting = aHost([aService({ handlers: [listen] })], { driver, environment: { PORT } });
    await asked.promise;
    await expect(fetch(`http://127.0.0.1:${PORT}/livez`)).rejects.toThrow('fetch failed');
    held.resolve();
    await starting;
    expect((await fetch(`http://127.0.0.1:${PORT}/readyz`)).status).toBe(200);
  });

  test('gives every service a container of its own: the same name is another part in each', async () => {
    const greeting = identifier<string>('Greeting');
    const greets = (name: string) =>
      defineService({
        name,
        module: new ContainerModule(({ bind }) => {
          bind(greeting).toConstantValue(`from ${name}`);
          bind(offered.routes).toResolvedValue(
            (text: string) => (router) => void router.get(`/${name}`, (context) => context.text(text)),
            [greeting],
          );
        }),
      });
    const host = await aHost([greets('one'), greets('two')]);
    expect(await (await host.request('/one')).text()).toBe('from one');
    expect(await (await host.request('/two')).text()).toBe('from two');
  });

  test('refuses a service that needs a part which only another one has', async () => {
    const part = identifier<string>('Part');
    const has = defineService({
      name: 'has',
      module: new ContainerModule(({ bind }) => void bind(part).toConstantValue('x')),
    });
    const needs = defineService({
      name: 'needs',
      module: new ContainerModule(({ bind }) => {
        bind(offered.routes).toResolvedValue((_part: string) => () => undefined, [part]);
      }),
    });
    await expect(aHost([has, needs])).rejects.toThrow('Part');
  });

  test('says on each line of a service whose it is', async () => {
    const { logger, lines } = memoryLogger();
    const talks = defineService({
      name: 'talks',
      module: new ContainerModule(({ bind }) => {
        bind(offered.routes).toResolvedValue(
          (own) => {
            own.info('put together');
            return () => undefined;
          },
          [provided.logger],
        );
      }),
    });
    await aHost([talks], { logger });
    expect(lines).toContainEqual(
      expect.objectContaining({ message: 'put together', fields: { service: 'talks' } }),
    );
  });

  test('does not write its token to the log, not in words and not in part', async () => {
    const { logger, lines } = memoryLogger();
    const host = await aHost([aService({})], { logger, environment: { API_TOKEN: 'sesame-open' } });
    await host.request('/x', { method: 'POST', headers: { authorization: 'Bearer wrong-guess' } });
    await host.stop();
    expect(lines.length).toBeGreaterThan(0);
    expect(JSON.stringify(lines)).not.toMatch(/sesame|wrong-guess/);
  });
});

test.each([
  ['skipped unless its handler says otherwise', {}, 'skipped'],
  ['a dead letter where its handler wants that', { unhandled: 'dead-letter' }, 'dead-lettered'],
] as const)('an event that the published language does not declare is %s', async (_, options, outcome) => {
  const undeclared = defineEvent('elsewhere.thing-happened.v1', {
    description: 'Not part of our language.',
    schema: z.object({}),
    example: {},
  });
  const { promise: seen, resolve } = Promise.withResolvers<string>();
  const observer = ({ what }: Observation): void => {
    if (what === 'skipped' || what === 'dead-lettered') resolve(what);
  };
  const listen = onEvent('listen', undeclared, nothing, options);
  const host = await aHost([aService({ handlers: [listen] })], { observer });
  await host.messaging.events.publish({ ...event, type: undeclared.type, data: {} });
  expect(await seen).toBe(outcome);
});

describe('services that do not fit together', () => {
  test('are refused with every conflict at once, before anything is connected', async () => {
    const take = onCommand('take', takePayment, nothing);
    const starting = startHost({
      services: [aService({ name: 'one', handlers: [take] }), aService({ name: 'one', handlers: [take] })],
      environment: { PORT: '0', LOG_LEVEL: 'silent' },
    });
    await expect(starting).rejects.toThrow('two services are named one: rename one');
  });

  test('are refused when two handlers want the same command: one of them would never be asked', async () => {
    const handlers = [onCommand('take', takePayment, nothing), onCommand('take-too', takePayment, nothing)];
    await expect(aHost([aService({ handlers })])).rejects.toThrow(`two handlers handle ${takePayment.type}`);
  });

  test('are refused for an option that no handler has', async () => {
    const options: object = { concurency: 2 };
    const listen = onEvent('listen', orderConfirmed, nothing, options);
    await expect(aHost([aService({ handlers: [listen] })])).rejects.toThrow('"concurency" is not an option');
  });

  test.each(['', 'Bad', 'a.b', 'a'.repeat(300)])('are refused for a service named "%s"', (name) => {
    expect(() => defineService({ name, module: new ContainerModule(() => undefined) })).toThrow(
      'cannot name a service',
    );
  });
});

describe('stopping', () => {
  test('answers the request that is in flight, and does not wait for its idle connection', async () => {
    const started = Promise.withResolvers<void>();
    const finish = Promise.withResolvers<void>();
    const slow = () => (router: Parameters<Routes>[0]) =>
      void router.get('/slow', async (context) => {
        started.resolve();
        await finish.promise;
        return context.text('done');
      });
    const host = await aHost([aService({ routes: slow })], { environment: { SHUTDOWN_TIMEOUT_MS: '60000' } });
    const agent = new Agent({ keepAlive: true });
    const answer = new Promise<string>((resolve, reject) => {
      const asking = request(`${host.url}/slow`, { agent }, (response) => {
        response.setEncoding('utf8').on('data', resolve);
      });
      asking.on('error', reject).end();
    });
    await started.promise;
    const stopping = host.stop();
    finish.resolve();
    expect(await answer).toBe('done');
    const answeredAt = performance.now();
    expect(await stopping).toEqual({ finished: 0, abandoned: [], unsent: 0 });
    expect(performance.now() - answeredAt).toBeLessThan(2_000); // node keeps an idle connection for 5 s
    agent.destroy();
    await expect(fetch(`${host.url}/livez`)).rejects.toThrow();
  });

  test('publishes what was committed last', async () => {
    const published: string[] = [];
    const observer = ({ what, type = '' }: Observation): void =>
      void (what === 'published' && published.push(type));
    const routes = publishing(orderConfirmed(orderConfirmed.example));
    const host = await aHost([aService({ routes })], { observer });
    for (let time = 0; time < 5; time++) await host.request('/things', { method: 'POST' });
    await host.stop();
    expect(published).toEqual(Array.from({ length: 5 }, () => orderConfirmed.type));
  });

  test('publishes also what the last handling committed while it was waited for', async () => {
    const started = Promise.withResolvers<void>();
    const finish = Promise.withResolvers<void>();
    const published: string[] = [];
    const observer = ({ what, type = '' }: Observation): void =>
      void (what === 'sent' && published.push(type));
    const late = onEvent('late', orderConfirmed, async (_event, tx) => {
      started.resolve();
      await finish.promise;
      tx.send(takePayment(takePayment.example));
    });
    const host = await aHost([aService({ handlers: [late], sends: [takePayment] })], { observer });
    await host.messaging.events.publish(event);
    await started.promise;
    const stopping = host.stop();
    finish.resolve();
    expect(await stopping).toEqual({ finished: 1, abandoned: [], unsent: 0 });
    expect(published).toEqual([takePayment.type]);
  });

  test('leaves nothing open: everything afterwards is told that it is closed', async () => {
    const host = await aHost([]);
    await host.stop();
    await expect(host.messaging.events.publish(event)).rejects.toMatchObject({ code: 'closed' });
    expect(await host.stop()).toEqual({ finished: 0, abandoned: [], unsent: 0 });
  });

  test('is seen by the load balancer: while work goes on it is told so, and everybody else is answered', async () => {
    const started = Promise.withResolvers<void>();
    const finish = Promise.withResolvers<void>();
    const published: string[] = [];
    const slow = onEvent('slow', orderConfirmed, async () => {
      started.resolve();
      await finish.promise;
    });
    const observer = ({ what, id = '' }: Observation): void =>
      void (what === 'published' && published.push(id));
    const routes = publishing(orderConfirmed(orderConfirmed.example));
    let brokerWhenShut: unknown;
    const driver = memoryDriver(undefined, (whole) => ({
      async close() {
        brokerWhenShut ??= await fetch(`${host.url}/livez`).catch(() => 'the port is shut');
        await whole.close();
      },
    }));
    const host = await aHost([aService({ handlers: [slow], routes })], { driver, observer });
    await host.messaging.events.publish(event);
    await started.promise;
    const stopping = host.stop();
    const statusOf = async (path: string, init?: RequestInit) => (await fetch(host.url + path, init)).status;
    expect(await statusOf('/readyz')).toBe(503);
    expect(await statusOf('/livez')).toBe(200);
    expect(await statusOf('/things', { method: 'POST' })).toBe(202);
    finish.resolve();
    expect(await stopping).toEqual({ finished: 1, abandoned: [], unsent: 0 });
    expect(published).toHaveLength(2); // also what was committed during the drain
    expect(brokerWhenShut).toBe('the port is shut');
    await expect(fetch(`${host.url}/livez`)).rejects.toThrow('fetch failed');
  });
});

describe('SHUTDOWN_TIMEOUT_MS', () => {
  const environment = { SHUTDOWN_TIMEOUT_MS: '400', BROKER_TIMEOUT_MS: '60000' };
  const routes = publishing(orderConfirmed(orderConfirmed.example));

  test('is kept with the broker down, and what stayed in the outbox is a warning', async () => {
    const { logger, lines } = memoryLogger();
    const broker = createMemoryBroker();
    const host = await aHost([aService({ routes })], { driver: memoryDriver(broker), environment, logger });
    broker.stop();
    for (let time = 0; time < 3; time++) await host.request('/things', { method: 'POST' });
    const beganAt = performance.now();
    expect(await host.stop()).toEqual({ finished: 0, abandoned: [], unsent: 3 });
    expect(performance.now() - beganAt).toBeLessThan(2_000);
    expect(lines).toContainEqual({
      level: 'warn',
      message: expect.stringContaining('messages stayed in the outbox'),
      fields: { unsent: 3 },
    });
  });

  test('is kept by a broker that neither lets consumers go nor closes', async () => {
    const { logger, lines } = memoryLogger();
    const never = (): Promise<never> => new Promise(() => undefined);
    const driver = memoryDriver(undefined, (whole) => ({
      consume: async (options, deliver) => ({ ...(await whole.consume(options, deliver)), close: never }),
      close: never,
    }));
    const listen = onEvent('listen', orderConfirmed, nothing);
    const host = await aHost([aService({ handlers: [listen] })], { driver, environment, logger });
    const beganAt = performance.now();
    expect(await host.stop()).toEqual({ finished: 0, abandoned: [], unsent: 0 });
    expect(performance.now() - beganAt).toBeLessThan(2_000);
    expect(lines.filter(({ level }) => level === 'warn').map(({ message }) => message)).toEqual([
      expect.stringContaining('consumers did not end in time'),
      expect.stringContaining('connections did not close in time'),
    ]);
  });

  test('is kept by a request that is never answered', async () => {
    const asked = Promise.withResolvers<void>();
    const stuck = () => (router: Parameters<Routes>[0]) =>
      void router.get('/stuck', () => {
        asked.resolve();
        return new Promise(() => undefined);
      });
    const host = await aHost([aService({ routes: stuck })], { environment });
    const answer = fetch(`${host.url}/stuck`).catch(() => 'cut off');
    await asked.promise;
    expect(await host.stop()).toEqual({ finished: 0, abandoned: [], unsent: 0 });
    expect(await answer).toBe('cut off');
  });
});
