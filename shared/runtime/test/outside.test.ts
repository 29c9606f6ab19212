import { createMemoryBroker, createMemoryStore } from '@waggle/adapter-memory';
import { parcelArrived } from '@waggle/contracts/testing';
import { onEvent } from '@waggle/kernel';
import { virtualClock, type DriverSettings } from '@waggle/messaging';
import { expect, test } from 'vitest';
import { aHost, aService, memoryDriver, memoryLogger, publishing } from './start.ts';

const routes = publishing(parcelArrived(parcelArrived.example));

test('a host runs on a driver from outside, which is given what the environment says', async () => {
  const broker = createMemoryBroker();
  const given: unknown[] = [];
  const driver = (settings: DriverSettings) => {
    given.push(settings);
    return memoryDriver(broker)(settings);
  };
  const host = await aHost([aService({ routes })], {
    driver,
    environment: { NAMESPACE: 'mine', LANES: '3' },
  });
  expect(given).toMatchObject([{ namespace: 'mine', lanes: 3, topology: 'declare' }]);
  broker.stop();
  expect((await host.request('/readyz')).status).toBe(503);
  broker.start();
  await expect.poll(async () => (await host.request('/readyz')).status).toBe(200);
});

test('a host that only binds takes what another declared, and refuses to start without it', async () => {
  const broker = createMemoryBroker();
  const driver = memoryDriver(broker);
  const listen = onEvent('listen', parcelArrived, async () => undefined);
  const services = [aService({ handlers: [listen] })];
  const environment = { TOPOLOGY: 'bind' };
  await expect(aHost(services, { driver, environment })).rejects.toMatchObject({ code: 'unroutable' });
  await aHost(services, { driver });
  await aHost(services, { driver, environment });
});

test('two hosts share a broker: what one announces the other handles', async () => {
  const broker = createMemoryBroker();
  const driver = memoryDriver(broker);
  const { promise: handled, resolve } = Promise.withResolvers<string>();
  const listen = onEvent('listen', parcelArrived, async ({ data }) => resolve(data.parcelId));
  await aHost([aService({ name: 'listens', handlers: [listen] })], { driver });
  const speaks = await aHost([aService({ name: 'speaks', routes })], { driver });
  await speaks.request('/things', { method: 'POST' });
  expect(await handled).toBe(parcelArrived.example.parcelId);
});

test('time can be moved: half a minute of retries takes no time', async () => {
  const clock = virtualClock();
  const broker = createMemoryBroker({ clock });
  const attempts: number[] = [];
  const stubborn = onEvent(
    'stubborn',
    parcelArrived,
    async (_event, _tx, { attempt }) => {
      attempts.push(clock.now());
      if (attempt < 3) throw new Error('not yet');
    },
    { retry: { initialDelayMs: 10_000, jitter: 0 } },
  );
  const host = await aHost([aService({ handlers: [stubborn], routes })], {
    clock,
    driver: memoryDriver(broker),
  });
  const startMs = clock.now();
  await host.request('/things', { method: 'POST' });
  await clock.advance(30_000);
  expect(attempts.map((atMs) => atMs - startMs)).toEqual([0, 10_000, 30_000]);
});

test('a store from outside outlives the host, so that a test can restart a service', async () => {
  const store = createMemoryStore();
  const broker = createMemoryBroker();
  const driver = memoryDriver(broker);
  const first = await aHost([aService({ routes })], { store, driver });
  const silent = broker.deny('publish');
  await first.request('/things', { method: 'POST' });
  await first.stop();
  silent();
  const second = await aHost([aService({ routes })], { store, driver });
  for await (const { event } of second.messaging.events.read({ follow: true })) {
    expect(event.type).toBe(parcelArrived.type);
    break;
  }
});

test('with a durable broker, a store that ends with the process is warned about', async () => {
  const warned = async (environment: Record<string, string>) => {
    const { logger, lines } = memoryLogger();
    await aHost([aService({})], { logger, driver: memoryDriver(), store: createMemoryStore(), environment });
    return lines.filter(({ level }) => level === 'warn').map(({ message }) => message);
  };
  expect(await warned({ BROKER: 'some-server' })).toEqual([
    expect.stringContaining('STORE=memory with a durable broker'),
  ]);
  expect(await warned({ BROKER: 'memory' })).toEqual([]);
  expect(await warned({ BROKER: 'some-server', STORE: 'some-database' })).toEqual([]);
});
