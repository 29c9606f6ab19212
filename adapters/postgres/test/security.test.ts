import { execFileSync } from 'node:child_process';
import { chownSync, copyFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { messageOf, silentLogger } from '@waggle/kernel';
import { createAuthority } from '@waggle/test/servers/certificates';
import { store } from '../src/module.ts';
import { createPostgresStore } from '../src/index.ts';
import {
  checkPostgres,
  postgresOptions,
  postgresWarning,
  type PostgresSettings,
} from '../src/postgres-settings.ts';
import { rejection, useServer } from './harness.ts';

const bench = useServer();
const authority = await createAuthority();
const other = await createAuthority('another authority');
afterAll(() => {
  authority.remove();
  other.remove();
});

/** As the host does it. */
function read(environment: Record<string, string>) {
  const problems: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, setting] of Object.entries(store.settings)) {
    try {
      values[name] = setting.parse(environment[name] ?? setting.default ?? '');
    } catch (error) {
      problems.push(`${name} is ${messageOf(error)}`);
    }
  }
  const parsed = values as PostgresSettings;
  return { values: parsed, problems: problems.length > 0 ? problems : checkPostgres(parsed) };
}

/** Opens a store with what the environment says. */
async function use(environment: Record<string, string>): Promise<void> {
  const { values, problems } = read(environment);
  expect(problems).toEqual([]);
  const settings = {
    namespace: 'secured',
    topology: 'declare',
    requestTimeoutMs: 5_000,
    logger: silentLogger,
  } as const;
  const opened = createPostgresStore(postgresOptions(values), settings);
  try {
    await opened.open();
    await opened.check();
  } finally {
    await opened.close();
  }
}

describe('DATABASE_URL', () => {
  test.each([
    ['postgres://a:secret@db.example:5432/shop?sslmode=verify-full', undefined],
    ['postgresql://a:secret@127.0.0.1/shop', undefined],
    ['postgres://a@db.example/shop', undefined],
    ['postgres://a:secret@%2Fvar%2Frun%2Fpostgresql/shop', undefined],
    ['postgres://a:secret@[::1]:5433/shop', undefined],
    ['mysql://a:secret@h/shop', /starts with postgres:\/\/ or postgresql:\/\//],
    ['postgres://a:secret@db.example/shop', /would send a password without TLS: use \?sslmode=verify-full/],
    ['postgres://a:secret@one/shop,postgres://a:secret@two/shop', /several servers/],
    ['postgres://a:secret@127.0.0.1', /names no database/],
    ['postgres://a:sec#ret@127.0.0.1/shop', /is not a URL|special characters/],
    ['postgres://a:sec%ret@127.0.0.1/shop', /special characters/],
    ['postgres://a:secret@127.0.0.1/shop?sslmode=prefer', /sslmode=prefer: give verify-full/],
    ['postgres://a:secret@127.0.0.1/shop?application_name=x', /"application_name", which is not used/],
  ])('%s', (url, problem) => {
    const { problems } = read({ DATABASE_URL: url });
    expect(problems.join()).toMatch(problem ?? /^$/);
    expect(problems.join()).not.toContain('secret');
  });

  test('says where and who, with what was escaped in it', () => {
    const { values } = read({
      DATABASE_URL: 'postgres://a%40b:c%2Fd@[::1]:5433/sh%20op',
      DATABASE_POOL_SIZE: '3',
    });
    expect(postgresOptions(values)).toEqual({
      host: '::1',
      port: 5433,
      user: 'a@b',
      password: 'c/d',
      database: 'sh op',
      poolSize: 3,
    });
    const socket = read({ DATABASE_URL: 'postgres://a@%2Frun%2Fpostgresql/shop' }).values;
    expect(postgresOptions(socket)).toMatchObject({ host: '/run/postgresql', port: 5432 });
    expect(store.settings.DATABASE_URL.secret).toBe(true);
  });

  test('without TLS beyond this machine is warned of, unless the network is trusted', () => {
    const warning = (environment: Record<string, string>) => postgresWarning(read(environment).values);
    expect(warning({ DATABASE_URL: 'postgres://a@db.example/shop' })).toContain('sslmode=verify-full');
    expect(
      warning({ DATABASE_URL: 'postgres://a@db.example/shop', DATABASE_CLEARTEXT: 'anywhere' }),
    ).toBeUndefined();
    expect(warning({ DATABASE_URL: 'postgres://a@db.example/shop?sslmode=require' })).toBeUndefined();
    expect(warning({})).toBeUndefined();
  });
});

test('with TLS both sides are who they say, or nothing is sent', async () => {
  const { server } = bench;
  const { certFile, keyFile } = await authority.server('127.0.0.1');
  const { uid, gid } = statSync(server.folder);
  for (const [from, to] of Object.entries({
    [certFile]: 'tls.crt',
    [keyFile]: 'tls.key',
    [authority.caFile]: 'ca.crt',
  })) {
    copyFileSync(from, join(server.folder, to));
    chownSync(join(server.folder, to), uid, gid);
  }
  const admin = await bench.client();
  for (const [name, file] of Object.entries({ cert_file: 'tls.crt', key_file: 'tls.key', ca_file: 'ca.crt' }))
    await admin.query(`alter system set ssl_${name} = '${join(server.folder, file)}'`);
  await admin.query('alter system set ssl = on');
  const hba = join(server.folder, 'data/pg_hba.conf');
  await admin.query("create role certified login; create role open login password 'open'");
  writeFileSync(
    hba,
    'hostssl all certified 127.0.0.1/32 cert\nhostssl all open 127.0.0.1/32 scram-sha-256\nhost all waggle 127.0.0.1/32 scram-sha-256\n',
  );
  await admin.query('grant create on database waggle to certified, open');
  await server.restart();

  const url = (user: string, more = '') =>
    `postgres://${user}@127.0.0.1:${new URL(server.url).port}/waggle${more}`;
  await rejection(use({ DATABASE_URL: url('open:open') }), 'denied');
  await use({ DATABASE_URL: url('open:open'), DATABASE_CA_FILE: authority.caFile });
  await rejection(use({ DATABASE_URL: url('open:open', '?sslmode=verify-full') }), 'denied');
  await rejection(use({ DATABASE_URL: url('open:open'), DATABASE_CA_FILE: other.caFile }), 'denied');
  const local = url('open:open').replace('127.0.0.1', 'localhost');
  await rejection(use({ DATABASE_URL: local, DATABASE_CA_FILE: authority.caFile }), 'denied');
  const mine = await authority.client('certified');
  const certified = { DATABASE_CERT_FILE: mine.certFile, DATABASE_KEY_FILE: mine.keyFile };
  const dropped = await bench.client();
  await dropped.query('drop schema secured cascade');
  await use({ DATABASE_URL: url('certified'), DATABASE_CA_FILE: authority.caFile, ...certified });
  await rejection(use({ DATABASE_URL: url('certified'), DATABASE_CA_FILE: authority.caFile }), 'denied');
  expect(execFileSync('grep', ['-c', 'certified', hba]).toString().trim()).toBe('1');
});
