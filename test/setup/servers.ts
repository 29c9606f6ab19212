import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestProject } from 'vitest/node';
import { obtainServer, serverKinds, type RunningServer } from '../servers/servers.ts';

const obtained = new Map<string, Promise<RunningServer>>();

function obtain(kind: string): Promise<RunningServer> {
  const server = obtained.get(kind) ?? obtainServer(kind, { log: (line) => console.error(line) });
  obtained.set(kind, server);
  return server;
}

async function answer(kind: string, response: ServerResponse): Promise<void> {
  try {
    const known = await serverKinds();
    if (!known.includes(kind)) {
      response.writeHead(404).end(`there is no server "${kind}": ask for ${known.join(' or ')}`);
      return;
    }
    const { url } = await obtain(kind);
    response.end(url);
  } catch (error) {
    response.writeHead(503).end(error instanceof Error ? error.message : String(error));
  }
}

const desk = createServer((request, response) => {
  void answer((request.url ?? '').slice(1), response);
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
