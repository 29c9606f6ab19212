import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import type { OpenAPIHono } from '@hono/zod-openapi';
import { messageOf } from '@waggle/kernel';
import type { HostSettings } from './host-settings.ts';
import { ConfigurationError } from './configuration.ts';

export interface RunningHttpServer {
  readonly url: string;
  /** Takes no new connection, answers what it has within `budgetMs`, then cuts off what is left. */
  close(budgetMs: number): Promise<void>;
}

/** @throws ConfigurationError when the address cannot be had */
export async function listen(
  app: Pick<OpenAPIHono, 'fetch'>,
  { HOST, PORT }: Pick<HostSettings, 'HOST' | 'PORT'>,
): Promise<RunningHttpServer> {
  const answer = getRequestListener(app.fetch, { hostname: HOST });
  const server = createServer((incoming, outgoing) => void answer(incoming, outgoing));
  let closing = false;
  // A connection whose last request is answered while closing would otherwise be kept open for another one.
  server.on('request', (_, response) => {
    response.once('close', () => closing && setImmediate(() => server.closeIdleConnections()));
  });
  server.listen(PORT, HOST);
  await once(server, 'listening').catch((error: unknown) => {
    throw new ConfigurationError([
      `HOST=${HOST} PORT=${PORT} cannot be listened on (${messageOf(error)}): choose another port, or PORT=0 for a free one`,
    ]);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${HOST.includes(':') ? `[${HOST}]` : HOST}:${port}`,
    async close(budgetMs) {
      closing = true;
      const closed = new Promise<void>((done) => server.close(() => done()));
      server.closeIdleConnections();
      const timer = setTimeout(() => server.closeAllConnections(), budgetMs);
      await closed;
      clearTimeout(timer);
    },
  };
}
