import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestProject } from 'vitest/node';
import { obtainServer, SERVER_KINDS, type RunningServer, type ServerKind } from '../servers/servers.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where `serverUrl` asks for servers. */
    serverDesk: string;
  }
}

const obtained = new Map<ServerKind, Promise<RunningServer>>();

function obtain(kind: ServerKind): Promise<RunningServer> {
  const server = obtained.get(kind) ?? obtainServer(kind, { log: (line) => console.error(line) });
  obtained.set(kind, server);
  return server;
}

async function answer(kind: ServerKind, response: ServerResponse): Promise<void> {
  try {
    const { url } = await obtain(kind);
    response.end(url);
  } catch (error) {
    response.writeHead(503).end(error instanceof Error ? error.message : String(error));
  }
}

const desk = createServer((request, response) => {
  const word = (request.url ?? '').slice(1);
  const kind = SERVER_KINDS.find((known) => known === word);
  if (kind !== undefined) return void answer(kind, response);
  response.writeHead(404).end(`there is no server "${word}": ask for ${SERVER_KINDS.join(' or ')}`);
});

/**
 * Hands out servers to the tests of one run: each kind is obtained when it is first asked for, and once. Test files run
 * in processes of their own, so they ask over HTTP; those who ask for none start none.
 */
export async function setup(project: TestProject): Promise<void> {
  await new Promise<void>((resolve) => desk.listen(0, '127.0.0.1', resolve));
  project.provide('serverDesk', `http://127.0.0.1:${(desk.address() as AddressInfo).port}`);
}

export async function teardown(): Promise<void> {
  desk.close();
  desk.closeAllConnections();
  for (const server of await Promise.allSettled(obtained.values())) {
    if (server.status === 'fulfilled') await server.value.stop();
  }
}
