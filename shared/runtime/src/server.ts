import { serve } from '@hono/node-server';
import type { AddressInfo } from 'node:net';
import type { OpenAPIHono } from '@hono/zod-openapi';
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
  const { promise: listening, resolve, reject } = Promise.withResolvers<AddressInfo>();
  const server = serve({ fetch: app.fetch, hostname: HOST, port: PORT }, resolve);
  server.once('error', reject);
  const { port } = await listening.catch((error: unknown) => {
    const why = error instanceof Error ? error.message : String(error);
    throw new ConfigurationError([
      `HOST=${HOST} PORT=${PORT} cannot be listened on (${why}): choose another port, or PORT=0 for a free one`,
    ]);
  });
  return {
    url: `http://${HOST.includes(':') ? `[${HOST}]` : HOST}:${port}`,
    async close(budgetMs) {
      const closed = new Promise<void>((done) => server.close(() => done()));
      if ('closeIdleConnections' in server) server.closeIdleConnections();
      const timer = setTimeout(
        () => 'closeAllConnections' in server && server.closeAllConnections(),
        budgetMs,
      );
      await closed;
      clearTimeout(timer);
    },
  };
}
