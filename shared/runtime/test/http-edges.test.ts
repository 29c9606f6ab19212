import { createRoute, z } from '@hono/zod-openapi';
import { parcelArrived } from '@waggle/contracts/testing';
import { MessagingError } from '@waggle/kernel';
import { HTTPException } from 'hono/http-exception';
import { describe, expect, test } from 'vitest';
import type { Routes } from '../src/index.ts';
import { aHost, aService, publishing } from './start.ts';

const schema = z.object({ 'a/b~c': z.object({ list: z.array(z.int()) }) });
const strict = createRoute({
  method: 'post',
  path: '/strict',
  request: { body: { content: { 'application/json': { schema } }, required: true } },
  responses: { 200: { description: 'accepted' } },
});
const routes = (): Routes => (router) => {
  router.openapi(strict, (context) => context.body(null, 200));
  router.get('/teapot', () => {
    throw new HTTPException(418, { message: 'no coffee here' });
  });
  router.get('/messaging/:code', (context) => {
    const code = context.req.param('code') === 'conflict' ? 'conflict' : 'unavailable';
    throw new MessagingError(code, 'loft://user:hunter2@host is gone');
  });
};
const headers = { 'content-type': 'application/json' };
const body = JSON.stringify({ 'a/b~c': { list: [1] } });

describe('a problem', () => {
  async function pointersOf(value: unknown): Promise<unknown> {
    const host = await aHost([aService({ routes })]);
    const response = await host.request('/strict', { method: 'POST', headers, body: JSON.stringify(value) });
    expect(response.status).toBe(422);
    const { errors } = (await response.json()) as { errors: readonly { pointer: string }[] };
    return errors.map(({ pointer }) => pointer);
  }

  test('points to each mistake as RFC 6901 has it, escaped', async () => {
    expect(await pointersOf({ 'a/b~c': { list: [1, 'x'] } })).toEqual(['/a~1b~0c/list/1']);
  });

  test('points to the whole with nothing', async () => {
    expect(await pointersOf('not an object')).toEqual(['']);
  });

  test.each([
    ['that is not JSON', 400, { headers, body: '{' }],
    ['that is empty', 400, { headers, body: '' }],
    ['of another content type', 415, { headers: { 'content-type': 'text/plain' }, body }],
    ['without a content type', 415, { headers: {}, body: new Uint8Array([1, 2]) }],
  ])('answers a body %s', async (_, status, request) => {
    const host = await aHost([aService({ routes })]);
    const response = await host.request('/strict', { method: 'POST', ...request });
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
  });

  test('says what to send in the place of another content type', async () => {
    const host = await aHost([aService({ routes })]);
    const response = await host.request('/strict', {
      method: 'POST',
      headers: {},
      body: new Uint8Array([1]),
    });
    expect(await response.json()).toMatchObject({ detail: expect.stringContaining('Send JSON') });
  });

  test('says what its maker meant to say', async () => {
    const host = await aHost([aService({ routes })]);
    expect(await (await host.request('/teapot')).json()).toMatchObject({
      status: 418,
      detail: 'no coffee here',
    });
  });

  test.each([
    ['conflict', 409],
    ['unavailable', 503],
  ])('tells of a messaging error that is %s no more than its kind', async (code, status) => {
    const host = await aHost([aService({ routes })]);
    const response = await host.request(`/messaging/${code}`);
    expect(response.status).toBe(status);
    expect(await response.text()).not.toContain('hunter2');
  });

  test('carries the correlation id of its request', async () => {
    const host = await aHost([]);
    const response = await host.request('/nothing', { headers: { 'x-correlation-id': 'abc-1' } });
    expect(response.headers.get('x-correlation-id')).toBe('abc-1');
  });
});

test('a body above the limit is refused, also when it does not say its length', async () => {
  const host = await aHost([aService({ routes })], { environment: { MAX_REQUEST_BYTES: '100' } });
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      for (let part = 0; part < 10; part++) controller.enqueue(new Uint8Array(50).fill(0x20));
      controller.close();
    },
  });
  const request: RequestInit & { readonly duplex: 'half' } = {
    method: 'POST',
    headers,
    body: stream,
    duplex: 'half',
  };
  const response = await fetch(`${host.url}/strict`, request);
  expect(response.status).toBe(413);
  expect(response.headers.get('content-type')).toBe('application/problem+json');
});

describe('a correlation id', () => {
  test.each(['a', 'order:1_2.3-4', 'x'.repeat(100)])('that is harmless is taken over: %s', async (id) => {
    const host = await aHost([]);
    const response = await host.request('/livez', { headers: { 'x-correlation-id': id } });
    expect(response.headers.get('x-correlation-id')).toBe(id);
  });

  test.each(['', 'x'.repeat(101), 'a b', 'a,b', '"', '../x', 'a=b;c', 'ä'])(
    'that could do harm in logs or headers is replaced: %s',
    async (id) => {
      const host = await aHost([], { ids: { next: () => 'ours' } });
      const response = await host.request('/livez', { headers: { 'x-correlation-id': id } });
      expect(response.headers.get('x-correlation-id')).toBe('ours');
    },
  );
});

describe('the trace of a request', () => {
  const valid = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

  async function publishedWith(given: Record<string, string>) {
    const host = await aHost([aService({ routes: publishing(parcelArrived(parcelArrived.example)) })]);
    await host.request('/things', { method: 'POST', headers: given });
    for await (const { event } of host.messaging.events.read({ follow: true })) return event;
    throw new Error('the stream ended');
  }

  test('goes on with its vendors’ state', async () => {
    const event = await publishedWith({ traceparent: valid, tracestate: 'vendor=1' });
    expect(event.traceparent).toContain('0af7651916cd43dd8448eb211c80319c');
    expect(event.tracestate).toBe('vendor=1');
  });

  test('begins anew, without the state, where the parent is not valid', async () => {
    const event = await publishedWith({ traceparent: `${valid}-more`, tracestate: 'vendor=1' });
    expect(event.traceparent).not.toContain('0af7651916cd43dd8448eb211c80319c');
    expect(event.tracestate).toBeUndefined();
  });
});
