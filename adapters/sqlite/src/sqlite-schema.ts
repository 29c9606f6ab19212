import type { DatabaseSync } from 'node:sqlite';
import { MessagingError } from '@waggle/kernel';
import type { StoreSettings } from '@waggle/messaging';
import { MIGRATIONS } from './migrations.ts';
import { createAtomically, prepare } from './query.ts';

/** `Wagl` in the header of the file (https://sqlite.org/pragma.html#pragma_application_id). */
const APPLICATION_ID = 0x57_61_67_6c;

/**
 * Makes the tables, or makes old ones new, where that is allowed; the version is in the header of the file (`user_version`).
 * Several processes may begin at the same time: one migrates, the others wait for it.
 * @throws MessagingError `invalid` for what is not ours, newer than this code, of another namespace, or missing
 */
export function ensureSchema(
  database: DatabaseSync,
  file: string,
  { namespace, topology, logger }: StoreSettings,
  migrations: readonly string[] = MIGRATIONS,
): void {
  const newest = migrations.length;
  const found = versionOf(database, file, newest);
  if (found < newest && topology === 'bind') throw missingSchema(file, found, newest);
  if (topology === 'declare') useWal(database, file);
  if (found < newest) {
    createAtomically(
      database,
      'IMMEDIATE',
    )(() => {
      for (const sql of migrations.slice(versionOf(database, file, newest))) database.exec(sql);
      database.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${newest}`);
      prepare(database, `INSERT OR IGNORE INTO meta VALUES ('namespace', ?)`).get(namespace);
    });
    logger.info('the store has a new schema', { file, from: found, to: newest });
  }
  const owner = prepare<{ value: string }>(database, `SELECT value FROM meta WHERE name = 'namespace'`).get();
  if (owner?.value === namespace) return;
  throw invalid(
    `${file} belongs to the namespace "${owner?.value}", and NAMESPACE is "${namespace}": give each namespace a file of its own (SQLITE_FILE)`,
  );
}

/** @throws MessagingError `invalid` */
export function missingSchema(file: string, found: number, newest = MIGRATIONS.length): MessagingError {
  const what =
    found === 0 ? `${file} has no tables` : `${file} has schema ${found}, this code needs ${newest}`;
  return invalid(`${what}, and TOPOLOGY is "bind": run \`npm run migrate\``);
}

/** 0 for a file without anything. @throws MessagingError `invalid` */
function versionOf(database: DatabaseSync, file: string, newest: number): number {
  const application = numberOf(database, 'PRAGMA application_id');
  const version = numberOf(database, 'PRAGMA user_version');
  if (application !== APPLICATION_ID && numberOf(database, 'SELECT count(*) FROM sqlite_schema') > 0)
    throw invalid(`${file} is the database of something else: give another name (SQLITE_FILE)`);
  if (application === APPLICATION_ID && version > newest)
    throw invalid(`${file} has schema ${version}, this code knows ${newest}: run newer code`);
  return application === APPLICATION_ID ? version : 0;
}

/** Readers and the writer do not wait for each other, and a commit writes each page once. It is a property of the file. */
function useWal(database: DatabaseSync, file: string): void {
  const mode = prepare<Record<string, string>>(database, 'PRAGMA journal_mode = WAL').get();
  if (mode?.['journal_mode'] !== 'wal')
    throw invalid(`${file} is where processes cannot share memory: put it on a disk of this machine`);
}

function numberOf(database: DatabaseSync, sql: string): number {
  const [value = 0] = Object.values(prepare<Record<string, number>>(database, sql).get() ?? {});
  return value;
}

const invalid = (what: string): MessagingError => new MessagingError('invalid', `[sqlite] ${what}`);
