import { Agent, request } from 'node:http';
import { createMemoryBroker } from '@waggle/adapter-memory';
import { parcelArrived, sendParcel } from '@waggle/contracts/testing';
import type { Observation } from '@waggle/kernel';
import { onEvent } from '@waggle/kernel';
import { describe, expect, test } from 'vitest';
import type { Routes } from '../src/index.ts';
import { aHost, aService, memoryDriver, memoryLogger, publishing } from './start.ts';

const nothing = async (): Promise<void> => undefined;
const { kind: _, ...confirmed } = parcelArrived(parcelArrived.example);
const event = { specversion: '1.0', id: 'e1', source: '/test', ...confirmed } as const;

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
    const routes = publishing(parcelArrived(parcelArrived.example));
    const host = await aHost([aService({ routes })], { observer });
    for (let time = 0; time < 5; time++) await host.request('/things', { method: 'POST' });
    await host.stop();
    expect(published).toEqual(Array.from({ length: 5 }, () => parcelArrived.type));
  });

  test('publishes also what the last handling committed while it was waited for', async () => {
    const started = Promise.withResolvers<void>();
    const finish = Promise.withResolvers<void>();
    const published: string[] = [];
    const observer = ({ what, type = '' }: Observation): void =>
      void (what === 'sent' && published.push(type));
    const late = onEvent('late', parcelArrived, async (_event, tx) => {
      started.resolve();
      await finish.promise;
      tx.send(sendParcel(sendParcel.example));
    });
    const host = await aHost([aService({ handlers: [late], sends: [sendParcel] })], { observer });
    await host.messaging.events.publish(event);
    await started.promise;
    const stopping = host.stop();
    finish.resolve();
    expect(await stopping).toEqual({ finished: 1, abandoned: [], unsent: 0 });
    expect(published).toEqual([sendParcel.type]);
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
    const slow = onEvent('slow', parcelArrived, async () => {
      started.resolve();
      await finish.promise;
    });
    const observer = ({ what, id = '' }: Observation): void =>
      void (what === 'published' && published.push(id));
    const routes = publishing(parcelArrived(parcelArrived.example));
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

describe('SHUTDOWN_DELAY_MS', () => {
  test('is how long everything but readiness goes on, and comes before the budget', async () => {
    const handled = Promise.withResolvers<void>();
    const listening = onEvent('listening', parcelArrived, async () => handled.resolve());
    const routes = publishing(parcelArrived(parcelArrived.example));
    const environment = { SHUTDOWN_DELAY_MS: '1500', SHUTDOWN_TIMEOUT_MS: '0' };
    const host = await aHost([aService({ handlers: [listening], routes })], { environment });
    const statusOf = async (path: string, init?: RequestInit) => (await fetch(host.url + path, init)).status;
    expect(await statusOf('/readyz')).toBe(200);
    const beganAt = performance.now();
    const stopping = host.stop();
    expect(await statusOf('/readyz')).toBe(503);
    expect(await statusOf('/livez')).toBe(200);
    expect(await statusOf('/things', { method: 'POST' })).toBe(202);
    await handled.promise; // taken, published and handled after it was told to stop
    expect(await stopping).toEqual({ finished: 0, abandoned: [], unsent: 0 });
    expect(performance.now() - beganAt).toBeGreaterThanOrEqual(1490);
    await expect(fetch(`${host.url}/livez`)).rejects.toThrow('fetch failed');
  });
});

describe('SHUTDOWN_TIMEOUT_MS', () => {
  const environment = { SHUTDOWN_TIMEOUT_MS: '400', BROKER_TIMEOUT_MS: '60000' };
  const routes = publishing(parcelArrived(parcelArrived.example));

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
    const listen = onEvent('listen', parcelArrived, nothing);
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
