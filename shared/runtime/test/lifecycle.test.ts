import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { defineEvent } from '@waggle/contracts';
import { parcelArrived, sendParcel } from '@waggle/contracts/testing';
import type { Observation } from '@waggle/kernel';
import { onCommand, onEvent } from '@waggle/kernel';
import { ContainerModule } from 'inversify';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { defineService, identifier, offered, provided, startHost } from '../src/index.ts';
import { aHost, aService, memoryDriver, memoryLogger, publishing } from './start.ts';

const nothing = async (): Promise<void> => undefined;
const { kind: _, ...confirmed } = parcelArrived(parcelArrived.example);
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
    const listen = onEvent('listen', parcelArrived, async ({ data }) => resolve(data.parcelId));
    const routes = publishing(parcelArrived({ parcelId: 'first', customerId: 'ada' }));
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
    const listen = onEvent('listen', parcelArrived, nothing);
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
    const take = onCommand('take', sendParcel, nothing);
    const starting = startHost({
      services: [aService({ name: 'one', handlers: [take] }), aService({ name: 'one', handlers: [take] })],
      environment: { PORT: '0', LOG_LEVEL: 'silent' },
    });
    await expect(starting).rejects.toThrow('two services are named one: rename one');
  });

  test('are refused when two handlers want the same command: one of them would never be asked', async () => {
    const handlers = [onCommand('take', sendParcel, nothing), onCommand('take-too', sendParcel, nothing)];
    await expect(aHost([aService({ handlers })])).rejects.toThrow(`two handlers handle ${sendParcel.type}`);
  });

  test('are refused for an option that no handler has', async () => {
    const options: object = { concurency: 2 };
    const listen = onEvent('listen', parcelArrived, nothing, options);
    await expect(aHost([aService({ handlers: [listen] })])).rejects.toThrow('"concurency" is not an option');
  });

  test.each(['', 'Bad', 'a.b', 'a'.repeat(300)])('are refused for a service named "%s"', (name) => {
    expect(() => defineService({ name, module: new ContainerModule(() => undefined) })).toThrow(
      'cannot name a service',
    );
  });
});
