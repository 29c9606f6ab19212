import { createRoute, z } from '@hono/zod-openapi';
import { describe, expect, test } from 'vitest';
import type { Routes } from '../src/index.ts';
import { problemSchema } from '../src/problem.ts';
import { aHost, aService } from './start.ts';

const schema = z.object({ name: z.string() });
const strict = createRoute({
  method: 'post',
  path: '/strict',
  request: { body: { content: { 'application/json': { schema } }, required: true } },
  responses: { 200: { description: 'accepted' } },
});
const routes = (): Routes => (router) => void router.openapi(strict, (context) => context.body(null, 200));
const headers = { 'content-type': 'application/json' };

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
