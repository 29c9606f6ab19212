import { setTimeout as pause } from 'node:timers/promises';
import type { StoreSettings } from '@waggle/messaging';
import pg from 'pg';
import { fail, isAnswer, isSilent, isUndone, translate } from './postgres-errors.ts';

/** PEM texts. */
export interface PostgresTls {
  /** @default the authorities that Node trusts */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

export interface PostgresOptions {
  /** A name, an address, or the folder of a socket. */
  readonly host: string;
  readonly port: number;
  readonly database: string;
  /** @default as for `psql`: PGUSER, or the user of the system */
  readonly user?: string;
  /** @default as for `psql`: PGPASSWORD, or what ~/.pgpass says */
  readonly password?: string;
  /** The server's certificate is always checked. @default no TLS */
  readonly tls?: PostgresTls;
  /** Most connections, without the one that listens. @default 10 */
  readonly poolSize?: number;
}

/** A statement that the server prepares once for each connection. The name stands for the text, and for nothing else. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

/** Values as the server writes them. */
export type Row<Value extends string | null = string> = readonly Value[];

/** Connections to the database, made as they are needed; an open one says nothing of the next statement. */
export interface Database {
  /** Makes one connection, to know that it can be made. */
  open(): Promise<void>;
  /** What is under way ends first. Idempotent. */
  close(): Promise<void>;
  /** One round trip and one transaction. @throws MessagingError, as `Store` says */
  run<Value extends string | null = string>(
    statement: Statement,
    values: readonly unknown[],
  ): Promise<readonly Row<Value>[]>;
  /** Calls when a connection was lost: the server may have been restarted. */
  onLoss(forget: () => void): void;
  /** A connection of its own, not made yet, that waits for as long as it takes. */
  client(): pg.Client;
  /** For what needs a pool of its own, whose statements may take as long as they take. */
  slowPool(): pg.Pool;
}

interface Connections {
  readonly pool: pg.Pool;
  /** That are under way, or wait for a connection. A pool that is told to end forgets the latter. */
  statements: number;
  onIdle: () => void;
}

/** So often is a statement tried that the server undoes because of others; they make way for each other by chance. */
const TRIES = 6;
const MOST_PAUSE_MS = 20;
/** The server stops a statement after the time-out. Without a word this much later, nobody is there. */
const SILENCE_MS = 500;
const KEEP_ALIVE_MS = 10_000;
const IDLE_MS = 30_000;
/** Answers after which a connection is of no use: what was prepared is gone, or does not fit the tables any more. */
const USELESS: ReadonlySet<string | undefined> = new Set(['26000', '0A000']);

/** Everything stays text: a parser for each column and row costs more than the few numbers that are needed. */
export const AS_TEXT = { getTypeParser: () => (text: string) => text } as pg.CustomTypesConfig;

/**
 * What holds for a connection, whatever the database or the role prefers. The isolation: see sql-append.ts. All that is read
 * is found by an index, in its order: without statistics, or with old ones, the server might think otherwise. And no statement
 * takes so long that it should be compiled first.
 */
export const SESSION: Readonly<Record<string, string>> = {
  default_transaction_isolation: 'read committed',
  enable_seqscan: 'off',
  enable_bitmapscan: 'off',
  jit: 'off',
};

export function createDatabase(options: PostgresOptions, settings: StoreSettings): Database {
  const { host, port, database, user, password, tls, poolSize = 10 } = options;
  const { namespace, requestTimeoutMs, logger } = settings;
  const plain: pg.ClientConfig = {
    host,
    port,
    database,
    ...(user !== undefined && { user }),
    ...(password !== undefined && { password }),
    // The host is what the certificate is compared with where it is an address.
    ssl: tls === undefined ? false : { ...tls, host },
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
    connectionTimeoutMillis: requestTimeoutMs,
    application_name: `waggle ${namespace}`,
    options: Object.entries(SESSION)
      .map(([name, value]) => `-c ${name}=${value.replaceAll(' ', '\\ ')}`)
      .join(' '),
  };
  let current: Connections | undefined;
  let wasOpen = false;
  let onLoss = (): void => undefined;

  function connections(): Connections {
    const made = new pg.Pool({
      ...plain,
      statement_timeout: requestTimeoutMs,
      query_timeout: requestTimeoutMs + SILENCE_MS,
      max: poolSize,
      idleTimeoutMillis: IDLE_MS,
    });
    // An error without a listener would end the process. The next statement has a connection that works, or says why not.
    made.on('connect', (client) => client.on('error', () => undefined));
    made.on('error', (error) => {
      onLoss();
      logger.debug('a connection to the database was lost', { reason: translate(error, 'idle').reason });
    });
    return { pool: made, statements: 0, onIdle: () => undefined };
  }

  function opened(): Connections {
    if (current !== undefined) return current;
    throw fail('closed', `the store is ${wasOpen ? 'closed' : 'not open yet'}`);
  }

  async function once(statement: Statement, values: readonly unknown[]): Promise<pg.QueryArrayResult> {
    const from = opened();
    from.statements++;
    try {
      return await ask(from, statement, values);
    } finally {
      if (--from.statements === 0) from.onIdle();
    }
  }

  async function ask(
    from: Connections,
    { name, text }: Statement,
    values: readonly unknown[],
  ): Promise<pg.QueryArrayResult> {
    const client = await from.pool.connect();
    let useless = false;
    try {
      return await client.query({
        name,
        text,
        values: values as unknown[],
        rowMode: 'array',
        types: AS_TEXT,
      });
    } catch (error) {
      useless = !isAnswer(error) || USELESS.has(error.code);
      if (!isAnswer(error)) onLoss();
      // Of a server that is silent on one connection, no other is expected to answer: the next statement begins anew.
      if (isSilent(error) && current === from) {
        current = connections();
        void end(from);
      }
      throw error;
    } finally {
      client.release(useless);
    }
  }

  /** What is under way ends first; of a server that is silent, nothing may. */
  async function end(ending: Connections): Promise<void> {
    const ended = async (): Promise<void> => {
      const { promise: idle, resolve } = Promise.withResolvers<void>();
      ending.onIdle = resolve;
      if (ending.statements > 0) await idle;
      await ending.pool.end();
    };
    await Promise.race([ended(), pause(requestTimeoutMs, undefined, { ref: false })]);
  }

  return {
    async open() {
      current ??= connections();
      try {
        (await current.pool.connect()).release();
      } catch (error) {
        await this.close();
        throw translate(error, `cannot connect to ${host}:${port}`);
      }
      wasOpen = true;
    },
    async close() {
      const ending = current;
      current = undefined;
      if (ending !== undefined) await end(ending);
    },
    async run<Value extends string | null>(statement: Statement, values: readonly unknown[]) {
      for (let tries = 1; ; tries++) {
        try {
          return (await once(statement, values)).rows as Row<Value>[];
        } catch (error) {
          if (tries >= TRIES || !isUndone(error)) throw translate(error, statement.name);
        }
        await pause(Math.random() * MOST_PAUSE_MS);
      }
    },
    onLoss(forget) {
      onLoss = forget;
    },
    client: () => new pg.Client(plain),
    slowPool: () => new pg.Pool({ ...plain, max: 1 }),
  };
}
