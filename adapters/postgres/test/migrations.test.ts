import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { silentLogger } from '@waggle/kernel';
import { MIGRATIONS } from '../src/migrations.ts';
import { append, readToEnd, rejection, useServer } from './harness.ts';

const bench = useServer();
const BIND = { topology: 'bind' } as const;

async function tablesOf(namespace: string): Promise<readonly string[]> {
  const client = await bench.client();
  const { rows } = await client.query('select tablename from pg_tables where schemaname = $1 order by 1', [
    namespace,
  ]);
  return rows.map(({ tablename }) => tablename as string);
}

async function migrationsOf(namespace: string): Promise<readonly string[]> {
  const client = await bench.client();
  const { rows } = await client.query(`select name from "${namespace}".migrations order by 1`);
  return rows.map(({ name }) => name as string);
}

describe('opening with topology declare', () => {
  test('makes the schema once, however many begin at the same time', async () => {
    const namespace = bench.namespace();
    const stores = Array.from({ length: 6 }, () => bench.store(namespace));
    await Promise.all(stores.map((store) => store.open()));
    expect(await migrationsOf(namespace)).toEqual(Object.keys(MIGRATIONS));
    await Promise.all(stores.map((store) => append(store, 'order-1')));
    expect(await readToEnd(await bench.open(namespace))).toHaveLength(6);
  });

  test('brings an old schema up with what is in it, and says so', async () => {
    const namespace = bench.namespace();
    await append(await bench.open(namespace), 'order-1');
    const newer = {
      ...MIGRATIONS,
      '0003-more': (schema: string) => `create table ${schema}.more (n integer)`,
    };
    const told: unknown[] = [];
    const logger = { ...silentLogger, info: (...words: unknown[]) => told.push(words) };
    const stores = [1, 2].map(() => bench.store(namespace, { logger }, {}, newer));
    await Promise.all(stores.map((store) => store.open()));
    expect(told).toContainEqual([
      'the store has a new schema',
      { schema: namespace, migrations: ['0003-more'] },
    ]);
    expect(await tablesOf(namespace)).toContain('more');
    expect(await readToEnd(stores[0] ?? (await bench.open(namespace)))).toHaveLength(1);
  });

  test('leaves everything as it was when a migration fails, and tells which statement', async () => {
    const namespace = bench.namespace();
    const broken = { ...MIGRATIONS, '0003-broken': () => 'create table nowhere.at_all (n integer)' };
    const { message } = await rejection(bench.store(namespace, {}, {}, broken).open(), 'invalid');
    expect(message).toContain('schema "nowhere" does not exist');
    expect(await tablesOf(namespace)).toEqual(['migrations', 'migrations_lock']);
    await append(await bench.open(namespace), 'order-1');
  });

  test('does not care what others make and drop in the same database meanwhile', async () => {
    const client = await bench.client();
    let over = false;
    const others = (async () => {
      while (!over)
        await client.query('create schema other; create table other.t (n serial); drop schema other cascade');
    })();
    await Promise.all(Array.from({ length: 6 }, () => bench.open(bench.namespace())));
    over = true;
    await others;
  });

  test('refuses a schema that is newer than the code, as topology bind does', async () => {
    const namespace = bench.namespace();
    await bench.open(namespace);
    const client = await bench.client();
    await client.query(
      `insert into "${namespace}".migrations values ('9999-future', '2030-01-01T00:00:00.000Z')`,
    );
    for (const settings of [{}, BIND]) {
      const { message } = await rejection(bench.store(namespace, settings).open(), 'invalid');
      expect(message).toContain('9999-future, unknown to this code: run newer code');
    }
  });

  test('takes every name that a namespace may have, and refuses one that would be cut off', async () => {
    for (const namespace of ['with-dashes', 'x'.repeat(40), 'Upper "quoted"', 'public']) {
      const store = await bench.open(namespace);
      await append(store, 'order-1');
      expect(await readToEnd(store)).toHaveLength(1);
      expect(await tablesOf(namespace)).toContain('events');
    }
    for (const namespace of ['', 'x'.repeat(41), 'ä'.repeat(21)])
      expect(() => bench.store(namespace)).toThrow(/NAMESPACE is .*: give 1 to 40 bytes/);
    await rejection(bench.store('pg_own').open(), 'invalid');
  });

  test('refuses a database that cannot hold every letter', async () => {
    const client = await bench.client();
    await client.query("create database latin encoding 'LATIN1' template template0 locale 'C'");
    const { message } = await rejection(bench.store('latin', {}, { database: 'latin' }).open(), 'invalid');
    expect(message).toContain('LATIN1: create one in UTF8');
  });
});

describe('opening with topology bind', () => {
  test('refuses what is missing or old, says what to do, and makes nothing', async () => {
    const namespace = bench.namespace();
    const { message } = await rejection(bench.store(namespace, BIND).open(), 'invalid');
    expect(message).toMatch(/lacks 0001-tables, .*TOPOLOGY is "bind": run `npm run migrate`/);
    const client = await bench.client();
    expect((await client.query('select from pg_namespace where nspname = $1', [namespace])).rowCount).toBe(0);
    await bench.open(namespace);
    const newer = {
      ...MIGRATIONS,
      '0003-more': (schema: string) => `create table ${schema}.more (n integer)`,
    };
    await rejection(bench.store(namespace, BIND, {}, newer).open(), 'invalid');
    expect(await tablesOf(namespace)).not.toContain('more');
  });

  test('needs the privileges that the README names, and no other', async () => {
    const namespace = bench.namespace();
    await bench.open(namespace);
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
    const grants = /```sql\n(grant usage[^`]*)```/.exec(readme)?.[1]?.replaceAll('"shop"', `"${namespace}"`);
    const client = await bench.client();
    await client.query(`create role service login password 'service'; ${grants}`);
    const store = bench.store(namespace, BIND, { user: 'service', password: 'service' });
    await store.open();
    await append(store, 'order-1', 3);
    const message = { kind: 'event', id: 'm', key: 'k', partition: 1, body: '{}' } as const;
    const streams = [{ stream: 'order-1', expected: 3, events: [], truncateBefore: 2 }] as const;
    const documents = [{ collection: 'c', id: 'd', value: '1', expectedVersion: 'any' }] as const;
    const schedule = ['a', 'b'].map((id) => ({ id, due: { atMs: 1, message } }));
    const inbox = { consumer: 'a', messageId: 'm' };
    expect(
      await store.commit('testing', { timeMs: 1, streams, documents, schedule, inbox, outbox: [message] }),
    ).toEqual({
      outcome: 'committed',
      versions: [3],
    });
    await store.commit('testing', {
      timeMs: 1,
      schedule: [{ id: 'a' }],
      documents: [{ ...documents[0], value: undefined }],
    });
    await store.startHandling('a', 'n', 1);
    await store.failHandling('a', 'n', 1);
    await store.releaseDue(5, 10);
    await store.removeFromOutbox([1]);
    await store.forgetHandled(5);
    expect(await readToEnd(store)).toHaveLength(2);
    expect(await store.readStream('testing', 'order-1', {})).toHaveLength(2);
    expect((await store.outbox({ after: 0, limit: 10 })).entries).toHaveLength(1);
    await rejection(
      bench.store(bench.namespace(), {}, { user: 'service', password: 'service' }).open(),
      'denied',
    );
    await client.query(`revoke usage on schema "${namespace}" from service`);
    await rejection(store.list('testing', 'c'), 'denied');
    await rejection(bench.store(namespace, BIND, { user: 'service', password: 'service' }).open(), 'denied');
  });
});
