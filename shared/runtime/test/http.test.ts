import { createRoute, z } from '@hono/zod-openapi';
import { parcelArrived } from '@waggle/contracts/testing';
import { expect, test } from 'vitest';
import type { Routes } from '../src/index.ts';
import { aHost, aService, memoryLogger, publishing } from './start.ts';

const schema = z.object({ name: z.string().min(1), size: z.int() });
const echo = createRoute({
  method: 'post',
  path: '/echo',
  request: { body: { content: { 'application/json': { schema } }, required: true } },
  responses: { 200: { description: 'the same', content: { 'application/json': { schema } } } },
});

const routes = (): Routes => (router) => {
  router.openapi(echo, (context) => context.json(context.req.valid('json'), 200));
  router.get('/broken', () => {
    throw new Error('password=hunter2');
  });
};
const post = (body: unknown, headers: Record<string, string> = {}) => ({
  method: 'POST',
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(body),
});

test('invalid input is a problem that names each mistake', async () => {
  const host = await aHost([aService({ routes })]);
  const response = await host.request('/echo', post({ name: '', size: 'large' }));
  expect(response.status).toBe(422);
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  expect(await response.json()).toMatchObject({
    type: 'about:blank',
    title: 'Unprocessable Content',
    status: 422,
    detail: 'The input is not valid',
    instance: '/echo',
    errors: [{ pointer: '/name' }, { pointer: '/size' }],
  });
});

test('what is not there is a problem', async () => {
  const host = await aHost([]);
  const response = await host.request('/nothing');
  expect([response.status, response.headers.get('content-type')]).toEqual([404, 'application/problem+json']);
});

test('an unexpected error is logged, and tells the outside nothing', async () => {
  const { logger, lines } = memoryLogger();
  const host = await aHost([aService({ routes })], { logger });
  const response = await host.request('/broken');
  expect(response.status).toBe(500);
  expect(await response.text()).not.toContain('hunter2');
  expect(lines).toContainEqual(expect.objectContaining({ level: 'error', message: 'request failed' }));
});

test('a body above the limit is refused', async () => {
  const host = await aHost([aService({ routes })], { environment: { MAX_REQUEST_BYTES: '100' } });
  const body = { name: 'x'.repeat(200), size: 1 };
  const response = await host.request(
    '/echo',
    post(body, { 'content-length': String(JSON.stringify(body).length) }),
  );
  expect(response.status).toBe(413);
});

test('with a token set, whatever is asked of a service needs it', async () => {
  const host = await aHost([aService({ routes })], { environment: { API_TOKEN: 'sesame' } });
  const body = { name: 'x', size: 1 };
  const statusWith = async (headers: Record<string, string>) =>
    (await host.request('/echo', post(body, headers))).status;
  expect(await statusWith({})).toBe(401);
  expect(await statusWith({ authorization: 'Bearer simsalabim' })).toBe(401);
  expect(await statusWith({ authorization: 'Bearer sesame' })).toBe(200);
  expect((await host.request('/broken')).status).toBe(401);
});

test('a correlation id from outside is taken over when it is harmless, and replaced when it is not', async () => {
  const host = await aHost([]);
  const answered = async (id: string) =>
    (await host.request('/livez', { headers: { 'x-correlation-id': id } })).headers.get('x-correlation-id');
  expect(await answered('abc-1')).toBe('abc-1');
  expect(await answered('a b<script>')).toMatch(/^[0-9a-f-]{36}$/);
});

test('what a request sets in motion carries its correlation id and continues its trace', async () => {
  const event = parcelArrived(parcelArrived.example);
  const host = await aHost([aService({ routes: publishing(event) })]);
  const trace = '0af7651916cd43dd8448eb211c80319c';
  const headers = { 'x-correlation-id': 'abc-1', traceparent: `00-${trace}-b7ad6b7169203331-01` };
  await host.request('/things', { method: 'POST', headers });
  for await (const { event: published } of host.messaging.events.read({ follow: true })) {
    expect(published).toMatchObject({
      type: parcelArrived.type,
      source: '/testing',
      correlationid: 'abc-1',
    });
    expect(published.traceparent).toMatch(new RegExp(`^00-${trace}-(?!b7ad6b7169203331)[0-9a-f]{16}-01$`));
    break;
  }
});

test.each([
  [404, 'Not Found', '/nothing', undefined],
  [413, 'Content Too Large', '/echo', post({ name: 'x'.repeat(200), size: 1 })],
  [500, 'Internal Server Error', '/broken', undefined],
])(
  'the title of a problem is the phrase of its status, %i, and the detail says what was wrong',
  async (...row) => {
    const [status, title, path, init] = row;
    const host = await aHost([aService({ routes })], { environment: { MAX_REQUEST_BYTES: '100' } });
    const response = await host.request(path, init);
    expect(await response.json()).toEqual({
      type: 'about:blank',
      title,
      status,
      detail: expect.stringMatching(/^[A-Z].{10,}/),
      instance: path,
    });
  },
);

test('the routes of all services are one OpenAPI document', async () => {
  const host = await aHost([aService({ routes })]);
  const document = (await (await host.request('/openapi.json')).json()) as Record<string, unknown>;
  expect(document).toMatchObject({
    openapi: '3.1.0',
    paths: { '/echo': { post: { responses: { 200: {} } } } },
  });
});
