import { silentLogger } from '@waggle/kernel';
import pg from 'pg';
import type { OpenWriter, StoreHarness } from '@waggle/test/contract/stores';
import { createPostgresStore, createPostgresWriter } from '../src/index.ts';

/** Many stores are open at one time, and a server takes about a hundred connections. */
const POOL_SIZE = 4;

/** PostgreSQL, on the server at `url`: each namespace is a schema of its own. */
export async function postgresStoreHarness(url: string): Promise<StoreHarness> {
  const { hostname: host, port, username: user, password, pathname } = new URL(url);
  const server = { host, port: Number(port), user, password, database: pathname.slice(1) };
  const raw = await connected();

  async function connected(): Promise<pg.Client> {
    const client = new pg.Client(server);
    await client.connect();
    return client;
  }

  return {
    name: 'postgres',
    declares: {},
    deadlineMs: 20_000,
    store: (namespace) =>
      createPostgresStore(
        { ...server, poolSize: POOL_SIZE },
        { namespace, topology: 'declare', requestTimeoutMs: 30_000, logger: silentLogger },
      ),
    async openWriter(namespace): Promise<OpenWriter> {
      const client = await connected();
      await client.query('begin');
      let ended = false;
      const end = async (how: 'commit' | 'rollback'): Promise<void> => {
        if (ended) return;
        ended = true;
        await client.query(how);
        await client.end();
      };
      return {
        write: createPostgresWriter(client, namespace),
        commit: () => end('commit'),
        rollback: () => end('rollback'),
      };
    },
    sweep: async (namespace) =>
      void (await raw.query(`drop schema if exists ${pg.escapeIdentifier(namespace)} cascade`)),
    close: () => raw.end(),
  };
}
