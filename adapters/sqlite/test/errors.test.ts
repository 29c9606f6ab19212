import { rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { expect, it } from 'vitest';
import { store as storeModule } from '../src/module.ts';
import { translate } from '../src/sqlite-errors.ts';
import { append, event, foreign, newFile, openStore } from './setup.ts';

function thrownBy(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error('it should have failed');
}

it.each<[string, (file: string) => unknown, string, RegExp]>([
  [
    'the disk is full',
    (file) =>
      foreign(
        file,
        'CREATE TABLE t (x); PRAGMA max_page_count = 3; INSERT INTO t VALUES (randomblob(20000))',
      ),
    'unavailable',
    /make room/,
  ],
  [
    'the file can be read only',
    (file) => {
      foreign(file, 'CREATE TABLE t (x)').close();
      new DatabaseSync(file, { readOnly: true }).exec('INSERT INTO t VALUES (1)');
    },
    'denied',
    /let this user write/,
  ],
  ['the file cannot be opened', () => new DatabaseSync('/nowhere/x.sqlite'), 'denied', /cannot be opened/],
  ['the statement is wrong', (file) => foreign(file, 'SELECT'), 'invalid', /incomplete input/],
])('says what to do when %s', (_, fail, code, said) => {
  const error = thrownBy(() => fail(newFile()));
  const translated = translate(error, 'the.sqlite', 'commit');
  expect(translated).toMatchObject({ code, cause: error, message: expect.stringMatching(said) });
  expect(translated.message).toContain('[waggle] [sqlite] commit: the.sqlite: ');
});

it('is not ready once its file was removed', async () => {
  const file = newFile();
  const store = await openStore(file);
  await store.check();
  rmSync(file);
  await expect(store.check()).rejects.toMatchObject({ code: 'unavailable' });
  await openStore(file);
  await expect(store.check()).rejects.toMatchObject({ code: 'unavailable' });
});

it('writes nothing of a commit that fails half-way, and goes on', async () => {
  const file = newFile();
  const store = await openStore(file);
  const both = append('order-1', 0, event(), event({ data: JSON.parse('null') }));
  await expect(store.commit('s', both)).rejects.toMatchObject({ code: 'invalid' });
  expect(await store.readStream('s', 'order-1', {})).toEqual([]);
  expect(await store.commit('s', append('order-1', 0, event()))).toEqual({
    outcome: 'committed',
    versions: [1],
  });
});

it.each([
  ['', 'is empty'],
  [':memory:', 'STORE=memory'],
  ['file:x?mode=memory', 'STORE=memory'],
])('refuses SQLITE_FILE=%s', (file, said) => {
  const problems = storeModule.check({ SQLITE_FILE: file, SQLITE_SYNCHRONOUS: 'normal' });
  expect(problems).toEqual([expect.stringContaining(said)]);
});

it('takes any other path', () => {
  expect(storeModule.check({ SQLITE_FILE: '.waggle/waggle.sqlite', SQLITE_SYNCHRONOUS: 'full' })).toEqual([]);
});
