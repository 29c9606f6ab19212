import { get } from 'node:http';
import { createRoute, z } from '@hono/zod-openapi';
import { orderConfirmed } from '@waggle/contracts';
import { MessagingError } from '@waggle/kernel';
import { HTTPException } from 'hono/http-exception';
import { describe, expect, test } from 'vitest';
import type { Routes } from '../src/index.ts';
import { problemSchema } from '../src/problem.ts';
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
    throw new MessagingError(code, 'nats://user:hunter2@host is gone');
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

describe('with a token set', () => {
  const environment = { API_TOKEN: 'sesame' };
  const put = (authorization?: string) => ({
    method: 'PUT',
    headers: authorization === undefined ? {} : { authorization },
  });

  test('a request without it is told how to authenticate', async () => {
    const host = await aHost([], { environment });
    const response = await host.request('/anything', put());
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe('Bearer');
    expect(response.headers.get('content-type')).toBe('application/problem+json');
  });

  test.each([
    'sesame',
    'Basic sesame',
    'Bearer',
    'Bearer sesam',
    'Bearer sesame2',
    'Bearer SESAME',
    'Bearer sesame, Bearer x',
  ])('"%s" is not it', async (authorization) => {
    const host = await aHost([], { environment });
    expect((await host.request('/anything', put(authorization))).status).toBe(401);
  });

  test.each(['GET', 'HEAD', 'OPTIONS', 'DELETE', 'PATCH', 'POST'])('%s needs it', async (method) => {
    const host = await aHost([], { environment });
    expect((await host.request('/anything', { method })).status).toBe(401);
  });

  test.each(['/health', '/metrics', '/openapi.json'])('%s needs it', async (path) => {
    const host = await aHost([], { environment });
    expect((await host.request(path)).status).toBe(401);
    expect((await host.request(path, { headers: { authorization: 'Bearer sesame' } })).status).toBe(200);
  });

  test.each(['/livez', '/readyz'])('%s does not: a load balancer has none', async (path) => {
    const host = await aHost([], { environment });
    expect((await host.request(path)).status).toBe(200);
  });

  test('a host is asked by whatever name it has', async () => {
    const host = await aHost([], { environment });
    expect((await host.request('/livez', { headers: { host: 'shop.example' } })).status).toBe(200);
  });
});

describe('without a token', () => {
  /** The status that a browser gets which took this name for the address of the host. */
  async function askedAs(name: string): Promise<unknown> {
    const host = await aHost([]);
    const { port } = new URL(host.url);
    const headers = { host: name.replace('PORT', port) };
    const { promise: answer, resolve, reject } = Promise.withResolvers<unknown>();
    get(`${host.url}/livez`, { headers }, (response) => resolve(response.resume().statusCode)).on(
      'error',
      reject,
    );
    return answer;
  }

  test.each(['localhost:PORT', '127.0.0.1:PORT', '[::1]:PORT', 'LOCALHOST', 'shop.localhost', '127.1.2.3'])(
    'a request for this machine is answered: %s',
    async (name) => {
      expect(await askedAs(name)).toBe(200);
    },
  );

  test.each([
    'evil.example',
    'evil.example:PORT',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '10.0.0.1',
  ])(
    'a request for somebody else is refused, so that no web page can ask through a browser: %s',
    async (name) => {
      expect(await askedAs(name)).toBe(421);
    },
  );
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
    const host = await aHost([aService({ routes: publishing(orderConfirmed(orderConfirmed.example)) })]);
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

test('the OpenAPI document has what a reader of version 3.1 needs', async () => {
  const host = await aHost([aService({ routes })]);
  const response = await host.request('/openapi.json');
  expect(response.headers.get('content-type')).toContain('application/json');
  const document = (await response.json()) as {
    openapi: string;
    info: object;
    paths: Record<string, Record<string, { responses: Record<string, { description: string }> }>>;
  };
  expect(document).toMatchObject({
    openapi: '3.1.0',
    info: { title: 'Waggle', version: expect.any(String) },
  });
  const operations = Object.values(document.paths).flatMap((path) => Object.values(path));
  expect(operations.length).toBeGreaterThan(0);
  for (const { responses } of operations) {
    for (const [status, { description }] of Object.entries(responses)) {
      expect(status).toMatch(/^[1-5]\d\d$/);
      expect(description).toEqual(expect.any(String));
    }
  }
});

describe('the OpenAPI document says what no route has to say', () => {
  async function documentOf(environment: Record<string, string> = {}) {
    const host = await aHost([aService({ routes: described })], { environment });
    const headers = { authorization: `Bearer ${environment['API_TOKEN']}` };
    return (await host.request('/openapi.json', { headers })).json() as Promise<{
      security: unknown;
      components: { schemas: Record<string, unknown>; securitySchemes: unknown };
      paths: Record<string, Record<string, { responses: Record<string, unknown> }>>;
    }>;
  }

  const described = (): Routes => (router) => {
    router.openapi(strict, (context) => context.body(null, 200));
    const responses = { 200: { description: 'it' }, 404: { description: 'No such thing' } };
    const one = createRoute({ method: 'get', path: '/things', responses });
    router.openapi(one, (context) => context.body(null, 200));
  };
  const problem = (description: string) => ({
    description,
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  });

  test('the problems that a request with a body may end with', async () => {
    const { paths } = await documentOf();
    expect(paths['/strict']?.['post']?.responses).toEqual({
      200: { description: 'accepted' },
      400: problem('Bad Request'),
      401: problem('Unauthorized'),
      413: problem('Content Too Large'),
      415: problem('Unsupported Media Type'),
      422: problem('Unprocessable Content'),
      500: problem('Internal Server Error'),
    });
  });

  test('no more than can happen, and what the route itself says of a problem', async () => {
    const { paths } = await documentOf();
    expect(paths['/things']?.['get']?.responses).toEqual({
      200: { description: 'it' },
      401: problem('Unauthorized'),
      404: problem('No such thing'),
      500: problem('Internal Server Error'),
    });
  });

  test('what a problem looks like, and that it looks so', async () => {
    const { components } = await documentOf();
    expect(components.schemas['Problem']).toMatchObject({
      type: 'object',
      required: ['type', 'title', 'status', 'instance'],
      properties: { title: { type: 'string' }, status: { type: 'integer' }, errors: { type: 'array' } },
    });
    const host = await aHost([aService({ routes: described })]);
    const response = await host.request('/strict', { method: 'POST', headers, body: '{}' });
    expect(problemSchema.strict().safeParse(await response.json()).success).toBe(true);
  });

  test('the bearer token, needed where one is set', async () => {
    const { components, security } = await documentOf({ API_TOKEN: 'sesame' });
    expect(components.securitySchemes).toMatchObject({ bearer: { type: 'http', scheme: 'bearer' } });
    expect(security).toEqual([{ bearer: [] }]);
    expect((await documentOf()).security).toEqual([{}, { bearer: [] }]);
  });
});
