import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { silentLogger } from '@waggle/kernel';
import { expect, it } from 'vitest';
import { MIGRATIONS } from '../src/migrations.ts';
import { ensureSchema } from '../src/sqlite-schema.ts';
import { foreign, message, newFile, newStore, openStore } from './setup.ts';

const settings = {
  namespace: 'test',
  topology: 'declare',
  requestTimeoutMs: 1_000,
  logger: silentLogger,
} as const;

const refusal = (...said: readonly string[]) => ({
  code: 'invalid',
  message: expect.stringMatching(new RegExp(said.join('.*'))),
});

it('makes the folder and the file', async () => {
  const file = join(dirname(newFile()), 'a', 'b', 'waggle.sqlite');
  const store = await openStore(file);
  await store.commit('s', { timeMs: 1, outbox: [message('1')] });
  expect(existsSync(file)).toBe(true);
});

it('makes the tables once when several stores begin at the same time', async () => {
  const file = newFile();
  const stores = await Promise.all(Array.from({ length: 5 }, () => openStore(file)));
  await Promise.all(stores.map((store) => store.check()));
});

it('refuses the file of another namespace, and says whose it is', async () => {
  const file = newFile();
  await openStore(file, { namespace: 'shop' });
  const store = newStore(file, { namespace: 'other' });
  await expect(store.open()).rejects.toMatchObject(
    refusal('belongs to the namespace "shop"', '"other"', 'SQLITE_FILE'),
  );
  await expect(store.check()).rejects.toMatchObject({ code: 'closed' });
});

it.each(['declare', 'bind'] as const)(
  'refuses a schema that is newer than its code (%s)',
  async (topology) => {
    const file = newFile();
    await (await openStore(file)).close();
    foreign(file, 'PRAGMA user_version = 99').close();
    const opening = newStore(file, { topology }).open();
    await expect(opening).rejects.toMatchObject(refusal('has schema 99', 'newer code'));
  },
);

it('makes nothing where it may only bind, and says what to run', async () => {
  const file = newFile();
  const store = newStore(file, { topology: 'bind' });
  await expect(store.open()).rejects.toMatchObject(refusal('no tables', 'npm run migrate'));
  expect(existsSync(file)).toBe(false);
  writeFileSync(file, '');
  await expect(store.open()).rejects.toMatchObject(refusal('no tables', 'npm run migrate'));
  expect(existsSync(`${file}-wal`)).toBe(false);

  await (await openStore(file)).close();
  await store.open();
  await store.commit('s', { timeMs: 1, outbox: [message('1')] });
});

it.each([
  [
    'is not a database',
    (file: string) => writeFileSync(file, 'Dear diary, '.repeat(200)),
    'not a SQLite database',
  ],
  ['is very short', (file: string) => writeFileSync(file, 'Dear diary'), 'not a SQLite database'],
  ['is a folder', (file: string) => mkdirSync(file), 'is a folder'],
  [
    'is the database of something else',
    (file: string) => foreign(file, 'CREATE TABLE users (id); PRAGMA user_version = 1').close(),
    'something else',
  ],
])('refuses what %s, and leaves it as it is', async (_, make, said) => {
  const file = newFile();
  make(file);
  await expect(newStore(file).open()).rejects.toMatchObject(refusal(said));
  expect(existsSync(`${file}-wal`)).toBe(false);
});

it('refuses a path that leads through a file', async () => {
  const file = newFile();
  writeFileSync(file, '');
  const opening = newStore(join(file, 'waggle.sqlite')).open();
  await expect(opening).rejects.toMatchObject(refusal('a part of the path is a file'));
});

it('takes an older schema to the newest, once, in order, and not where it may only bind', () => {
  const file = newFile();
  const database = foreign(file);
  const migrations = [...MIGRATIONS, 'CREATE TABLE added (x)', 'ALTER TABLE added ADD COLUMN y'];
  ensureSchema(database, file, settings);
  expect(() => ensureSchema(database, file, { ...settings, topology: 'bind' }, migrations)).toThrow(
    /has schema 1, this code needs 3.*npm run migrate/,
  );
  ensureSchema(database, file, settings, migrations);
  ensureSchema(database, file, settings, migrations);
  ensureSchema(database, file, { ...settings, topology: 'bind' }, migrations);
  expect(database.prepare('PRAGMA user_version').get()).toEqual({ user_version: 3 });
  expect(() => database.exec('INSERT INTO added (x, y) VALUES (1, 2)')).not.toThrow();
});

it('leaves the schema as it was when a migration fails', () => {
  const file = newFile();
  const database = foreign(file);
  ensureSchema(database, file, settings);
  const migrations = [...MIGRATIONS, 'CREATE TABLE added (x)', 'CREATE TABLE added (x)'];
  expect(() => ensureSchema(database, file, settings, migrations)).toThrow(/already exists/);
  expect(database.prepare('PRAGMA user_version').get()).toEqual({ user_version: 1 });
  expect(() => database.exec('SELECT * FROM added')).toThrow(/no such table/);
});

it('refuses a place where processes cannot share memory', () => {
  const database = new DatabaseSync(':memory:'); // has no log either
  expect(() => ensureSchema(database, 'x.sqlite', settings)).toThrow(/disk of this machine/);
});
