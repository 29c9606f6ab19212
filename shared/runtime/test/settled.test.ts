import { createMemoryBroker } from '@waggle/adapter-memory';
import { parcelArrived, parcelReturned } from '@waggle/contracts/testing';
import { onEvent } from '@waggle/kernel';
import { expect, test } from 'vitest';
import { settled, virtualClock } from '../testing/index.ts';
import { aHost, aService, memoryDriver, publishing } from './start.ts';

const rejected = parcelReturned(parcelReturned.example);
const publishes = [parcelArrived, parcelReturned];
const routes = publishing(parcelArrived(parcelArrived.example));

test('a host has settled when everything that followed from a request has happened', async () => {
  const handled: string[] = [];
  const first = onEvent('first', parcelArrived, async ({ type }, tx) => {
    tx.publish(rejected);
    handled.push(type);
  });
  const second = onEvent('second', parcelReturned, async ({ type }) => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    handled.push(type);
  });
  const host = await aHost([aService({ routes, publishes, handlers: [first, second] })]);
  for (let turn = 1; turn <= 3; turn++) {
    await host.request('/things', { method: 'POST' });
    await settled(host);
    expect(handled).toHaveLength(turn * 2);
  }
});

test('time that stands still is moved until a retry has succeeded', async () => {
  const clock = virtualClock();
  let tries = 0;
  const flaky = onEvent('flaky', parcelArrived, async () => {
    if (++tries < 4) throw new Error('not yet');
  });
  const driver = memoryDriver(createMemoryBroker({ clock }));
  const host = await aHost([aService({ routes, publishes, handlers: [flaky] })], { clock, driver });
  await host.request('/things', { method: 'POST' });
  await settled(host, { clock });
  expect(tries).toBe(4);
});

test('what does not settle is told, with where to look', async () => {
  const stuck = onEvent('stuck', parcelArrived, () => new Promise(() => undefined));
  const host = await aHost([aService({ routes, publishes, handlers: [stuck] })], {
    environment: { SHUTDOWN_TIMEOUT_MS: '0' },
  });
  await host.request('/things', { method: 'POST' });
  await expect(settled(host, { timeoutMs: 100 })).rejects.toThrow(
    'the host has not settled within 100 ms: look at /health for what has a lag',
  );
});
