import pg from 'pg';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { MessagingError, silentLogger, type MessagingErrorCode } from '@waggle/kernel';
import type { Changes, CommitOutcome, EventRow, EventWrite, Store, StoreSettings } from '@waggle/messaging';
import { startPrivateServer, type PrivateServer } from '@waggle/test/servers';
import { createPostgresStore, createPostgresWriter, type PostgresOptions } from '../src/index.ts';
import type { Migrations } from '../src/migrations.ts';

let namespaces = 0;
let ids = 0;

export interface Bench {
  readonly server: PrivateServer;
  /** Another one for each test. */
  namespace(): string;
  options(changes?: Partial<PostgresOptions>): PostgresOptions;
  store(
    namespace: string,
    settings?: Partial<StoreSettings>,
    options?: Partial<PostgresOptions>,
    migrations?: Migrations,
  ): Store;
  /** An open store. */
  open(namespace: string, settings?: Partial<StoreSettings>): Promise<Store>;
  /** A plain client of the same server, as a foreign program would have it. */
  client(changes?: pg.ClientConfig): Promise<pg.Client>;
  /** A transaction that is held open. */
  writer(namespace: string): Promise<Writer>;
}

export interface Writer {
  write(changes: Partial<Changes>): Promise<CommitOutcome>;
  end(how: 'commit' | 'rollback'): Promise<void>;
}

/** A server for the tests of one file; stores and clients are closed after each test. */
export function useServer(config = ''): Bench {
  let server: PrivateServer | undefined;
  const cleanUps: (() => Promise<unknown>)[] = [];
  const running = (): PrivateServer => {
    if (server === undefined) throw new Error('the server is started before the tests');
    return server;
  };
  beforeAll(async () => {
    server = await startPrivateServer('postgres', { config });
  });
  afterEach(async () => {
    await Promise.all(cleanUps.splice(0).map((cleanUp) => cleanUp()));
  });
  afterAll(() => server?.stop());

  const bench: Bench = {
    get server() {
      return running();
    },
    namespace: () => `test-${++namespaces}`,
    options(changes) {
      const { hostname: host, port, username: user, password, pathname } = new URL(running().url);
      return { host, port: Number(port), user, password, database: pathname.slice(1), ...changes };
    },
    store(namespace, settings, options, migrations) {
      const store = createPostgresStore(
        bench.options(options),
        { namespace, topology: 'declare', requestTimeoutMs: 5_000, logger: silentLogger, ...settings },
        migrations,
      );
      cleanUps.push(() => store.close());
      return store;
    },
    async open(namespace, settings) {
      const store = bench.store(namespace, settings);
      await store.open();
      return store;
    },
    async client(changes) {
      const { host, port, user, password, database } = { ...bench.options(), ...changes };
      const client = new pg.Client({ host, port, user, password, database });
      client.on('error', () => undefined);
      await client.connect();
      cleanUps.push(() => client.end());
      return client;
    },
    async writer(namespace) {
      const client = await bench.client();
      const write = createPostgresWriter(client, namespace);
      await client.query('begin');
      return {
        write: (changes) => write('testing', { timeMs: 1, ...changes }),
        end: async (how) => {
          await client.query(how);
          await client.end();
        },
      };
    },
  };
  return bench;
}

export function anEvent(fields: Partial<EventWrite> = {}): EventWrite {
  return { id: `event-${++ids}`, type: 'counted', schemaVersion: 1, data: '{}', metadata: '{}', ...fields };
}

export const events = (count: number): readonly EventWrite[] =>
  Array.from({ length: count }, () => anEvent());

export function append(store: Store, stream: string, count = 1): Promise<CommitOutcome> {
  return store.commit('testing', {
    timeMs: 1,
    streams: [{ stream, expected: 'any', events: events(count) }],
  });
}

/** All that a reader is given who goes on until there is no more for now. */
export async function readToEnd(store: Store, after = 0, limit = 7): Promise<readonly EventRow[]> {
  const found: EventRow[] = [];
  for (let position = after; ;) {
    const page = await store.readAll('testing', { after: position, limit });
    found.push(...page.events);
    position = page.position;
    if (page.events.length < limit) return found;
  }
}

export const placesOf = (rows: readonly EventRow[]): readonly string[] =>
  rows.map(({ stream, version }) => `${stream}@${version}`);

/** What went wrong; it has to be an error with this code. */
export async function rejection(
  promise: Promise<unknown>,
  code: MessagingErrorCode,
): Promise<MessagingError> {
  const error = await promise.then(
    () => new Error(`expected an error with the code ${code}, got none`),
    (thrown: unknown) => thrown,
  );
  if (error instanceof MessagingError && error.code === code) return error;
  throw error;
}

/** Resolves with what the first call had, of the next calls. */
export function nextCall<Value>(): {
  readonly called: Promise<Value>;
  readonly call: (value: Value) => void;
} {
  const { promise, resolve } = Promise.withResolvers<Value>();
  return { called: promise, call: resolve };
}
