import { honeyJarOpened } from '@waggle/contracts/templates/honey-house';
import type { Observation } from '@waggle/kernel';
import type { Host } from '@waggle/runtime';
import { startHost } from '@waggle/runtime';
import { settled } from '@waggle/runtime/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { service } from '../src/service.ts';

let host: Host;
let seen: Observation[];
beforeEach(async () => {
  seen = [];
  host = await startHost({
    services: [service],
    environment: { PORT: '0', LOG_LEVEL: 'silent' },
    observer: (observation) => void seen.push(observation),
  });
});
afterEach(() => host.stop());

async function post(body: unknown): Promise<Response> {
  const headers = { 'content-type': 'application/json' };
  return host.request('/honey-house', { method: 'POST', headers, body: JSON.stringify(body) });
}

test('a honey jar that is opened over HTTP is announced, and acknowledged by who hears of it', async () => {
  const response = await post({ title: 'the first one' });
  expect([response.status, await response.json()]).toMatchObject([201, { status: 'opened' }]);
  await settled(host);
  const location = response.headers.get('location') ?? '';
  expect(await (await host.request(location)).json()).toMatchObject({ status: 'acknowledged' });
});

test('what is opened over HTTP is an event that any service can read', async () => {
  const { honeyJarId } = (await (await post({ title: 'the first one' })).json()) as { honeyJarId: string };
  for await (const { event } of host.messaging.events.read({ types: [honeyJarOpened.type], follow: true })) {
    expect(event).toMatchObject({ source: '/honey-house', partitionkey: honeyJarId });
    expect(event.data).toEqual({ honeyJarId, title: 'the first one' });
    break;
  }
});

test('an event that comes twice has its effect once', async () => {
  const event = honeyJarOpened(honeyJarOpened.example);
  const { type, data } = event;
  for (let time = 0; time < 2; time++) {
    await host.messaging.events.publish({ specversion: '1.0', id: 'e1', source: '/elsewhere', type, data });
  }
  await settled(host);
  expect(seen.map(({ what }) => what)).toContain('duplicate');
});

test('input that is not valid is a problem that names each mistake', async () => {
  const response = await post({ title: 7 });
  expect(response.status).toBe(422);
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  expect(await response.json()).toMatchObject({ errors: [{ pointer: '/title' }] });
  expect((await post({ title: ' ' })).status).toBe(422);
  expect(await (await host.request('/honey-house')).json()).toEqual([]);
});

test('one that is not there is a problem, and the list shows those that are', async () => {
  expect((await host.request('/honey-house/nobody')).status).toBe(404);
  await post({ title: 'the first one' });
  expect(await (await host.request('/honey-house')).json()).toMatchObject([{ title: 'the first one' }]);
});
