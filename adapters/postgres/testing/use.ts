import type { CommitSteps, StoreUse } from '@waggle/test/adapter';
import pg from 'pg';
import { createPostgresStore } from '../src/index.ts';

/** As the store wants it. */
export function connectionTo(url: string) {
  const { hostname: host, port, pathname, username, password } = new URL(url);
  return {
    host,
    port: Number(port || '5432'),
    database: decodeURIComponent(pathname.slice(1)),
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
  };
}

/** A schema of its own. */
export const settle: StoreUse['settle'] = async (url, namespace) => ({
  environment: { DATABASE_URL: url },
  async sweep() {
    const client = new pg.Client(url);
    await client.connect();
    try {
      await client.query(`drop schema if exists ${pg.escapeIdentifier(namespace)} cascade`);
    } finally {
      await client.end();
    }
  },
});

export const store: StoreUse['store'] = async ({ DATABASE_URL = '' }, settings) =>
  createPostgresStore(connectionTo(DATABASE_URL), settings);

/** One statement for all of it, whose answer takes longer than to send it. */
export const watch: CommitSteps['watch'] = async (reach) => {
  const original: (...given: never[]) => unknown = pg.Client.prototype.query;
  Object.defineProperty(pg.Client.prototype, 'query', {
    value(this: pg.Client, ...given: readonly unknown[]): unknown {
      const answer = Reflect.apply(original, this, given);
      setImmediate(() => reach('sent'));
      return answer;
    },
  });
};
