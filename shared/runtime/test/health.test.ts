import { createMemoryBroker, createMemoryStore } from '@waggle/adapter-memory';
import { parcelArrived, sendParcel } from '@waggle/contracts/testing';
import type { Observation } from '@waggle/kernel';
import { onCommand, onEvent } from '@waggle/kernel';
import { describe, expect, test } from 'vitest';
import type { Host } from '../src/index.ts';
import { aHost, aService, memoryDriver, memoryLogger } from './start.ts';

const nothing = async (): Promise<void> => undefined;
const handlers = [
  onEvent('one', parcelArrived, nothing),
  onEvent('two', parcelArrived, nothing),
  onCommand('three', sendParcel, nothing),
];
/** Far longer than any of these tests takes. */
const environment = { BROKER_TIMEOUT_MS: '60000' };

async function ask(host: Host, path: string) {
  const beganAt = performance.now();
  const response = await host.request(path);
  const text = await response.text();
  return { status: response.status, text, tookMs: performance.now() - beganAt };
}

describe('while the broker is away', () => {
  async function aHostWithoutBroker() {
    const broker = createMemoryBroker();
    let asked = 0;
    const driver = memoryDriver(broker, (whole) => ({
      lag(source) {
        asked++;
        return whole.lag(source);
      },
    }));
    const host = await aHost([aService({ handlers })], { driver, environment });
    broker.stop();
    return { host, broker, asked: () => asked };
  }

  test('/health says that the host is degraded, at once, and asks for no lag', async () => {
    const { host, broker, asked } = await aHostWithoutBroker();
    const { status, text, tookMs } = await ask(host, '/health');
    expect(status).toBe(200);
    expect(JSON.parse(text)).toMatchObject({
      status: 'degraded',
      broker: { name: 'memory', status: 'reconnecting' },
      store: { name: 'memory', status: 'open' },
      consumers: {
        'testing.one': { lag: null, missed: 0 },
        'testing.two': { lag: null, missed: 0 },
        parcels: { lag: null, missed: 0 },
      },
    });
    expect(tookMs).toBeLessThan(900);
    expect(asked()).toBe(0);
    broker.start();
    await expect
      .poll(async () => JSON.parse((await ask(host, '/health')).text))
      .toMatchObject({ status: 'ok' });
  });

  test('/metrics answers at once, without the lags', async () => {
    const { host, broker, asked } = await aHostWithoutBroker();
    const { status, text, tookMs } = await ask(host, '/metrics');
    expect(status).toBe(200);
    expect(text).not.toContain('waggle_consumer_lag{');
    expect(tookMs).toBeLessThan(900);
    expect(asked()).toBe(0);
    broker.start();
    const read = async () => (await ask(host, '/metrics')).text;
    await expect.poll(read).toContain('waggle_consumer_lag{consumer="testing.one"} 0');
  });
});

test('/health names the consumers that the broker refuses, until it allows them again', async () => {
  const broker = createMemoryBroker();
  const host = await aHost([aService({ handlers })], { driver: memoryDriver(broker), environment });
  const health = async () => JSON.parse((await ask(host, '/health')).text);
  expect(await health()).toMatchObject({ status: 'ok', detached: [] });
  const allow = broker.deny('consume', ({ resource }) => resource === 'group testing.one');
  broker.closeChannels();
  await expect.poll(health).toMatchObject({ status: 'degraded', detached: ['testing.one'] });
  expect((await ask(host, '/readyz')).status).toBe(200);
  allow();
  await expect.poll(health, { timeout: 5_000 }).toMatchObject({ status: 'ok', detached: [] });
});

test.each(['/health', '/metrics'])(
  'a lag that is not told in time keeps %s for a second, not for each',
  async (path) => {
    const driver = memoryDriver(undefined, () => ({ lag: () => new Promise(() => undefined) }));
    const host = await aHost([aService({ handlers })], { driver, environment });
    const { status, tookMs } = await ask(host, path);
    expect(status).toBe(200);
    expect(tookMs).toBeLessThan(1_900);
  },
);

test('a store that cannot be used takes the host out of service until it can; that is logged once', async () => {
  const whole = createMemoryStore();
  let broken = false;
  const check = () => (broken ? Promise.reject(new Error('connection refused')) : whole.check());
  const { logger, lines } = memoryLogger();
  const host = await aHost([aService({})], { store: { ...whole, check }, logger });
  expect((await ask(host, '/readyz')).status).toBe(200);
  broken = true;
  for (let time = 0; time < 3; time++) {
    const { status, text } = await ask(host, '/readyz');
    expect([status, JSON.parse(text)]).toEqual([503, { status: 'store not available' }]);
  }
  expect(JSON.parse((await ask(host, '/health')).text)).toMatchObject({
    status: 'degraded',
    store: { name: 'memory', status: 'not available' },
  });
  expect(lines.filter(({ level }) => level === 'warn')).toEqual([
    { level: 'warn', message: 'the store is not available', fields: { reason: 'connection refused' } },
  ]);
  broken = false;
  expect((await ask(host, '/readyz')).status).toBe(200);
  expect(lines).toContainEqual(expect.objectContaining({ message: 'the store is available again' }));
});

test('a store that does not answer is not waited for', async () => {
  const check = (): Promise<void> => new Promise(() => undefined);
  const host = await aHost([], { store: { ...createMemoryStore(), check } });
  const { status, tookMs } = await ask(host, '/readyz');
  expect(status).toBe(503);
  expect(tookMs).toBeLessThan(1_900);
});

test('what strangers write is counted under one name, however many types they invent', async () => {
  const dead: string[] = [];
  const everyone = Promise.withResolvers<void>();
  const observer = ({ what, type = '' }: Observation): void => {
    if (what !== 'dead-lettered') return;
    dead.push(type);
    if (dead.length === 3) everyone.resolve();
  };
  const host = await aHost([aService({ handlers })], { observer });
  for (const name of ['a', 'b', 'c']) {
    const type = `parcels.invented-${name}.v1`;
    await host.messaging.queue.send({ specversion: '1.0', id: name, source: '/stranger', type, data: {} });
  }
  await everyone.promise;
  const { text } = await ask(host, '/metrics');
  expect(text).not.toContain('invented');
  expect(text).toContain('waggle_messages_total{what="dead-lettered",type="other",consumer="parcels"} 3');
});

test('what the retention discarded before a consumer came to it is shown and counted', async () => {
  let missed = (_count: number): void => undefined;
  const driver = memoryDriver(undefined, (whole) => ({
    consume(options, deliver) {
      if (options.source.kind === 'group' && options.source.group === 'testing.one') {
        missed = options.onMissed ?? missed;
      }
      return whole.consume(options, deliver);
    },
  }));
  const host = await aHost([aService({ handlers })], { driver });
  missed(40);
  missed(2);
  expect(JSON.parse((await ask(host, '/health')).text)).toMatchObject({
    consumers: { 'testing.one': { lag: 0, missed: 42 }, 'testing.two': { lag: 0, missed: 0 } },
  });
  const { text } = await ask(host, '/metrics');
  expect(text).toContain('waggle_messages_total{what="missed",type="other",consumer="testing.one"} 42');
});
