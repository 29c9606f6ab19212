import { get } from 'node:http';
import { describe, expect, test } from 'vitest';
import { aHost } from './start.ts';

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
