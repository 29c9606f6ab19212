import type { DatabaseSync } from 'node:sqlite';

type Value = string | number | null;

/** In their order, or by their names. */
type Values = readonly Value[] | readonly [Readonly<Record<string, Value>>];

/** A prepared statement. Also for what gives no rows: `run` would make an object that nobody looks at. */
export interface Query<Row> {
  get(...values: Values): Row | undefined;
  all(...values: Values): readonly Row[];
}

/** `Row` is what the columns are called and hold: STRICT tables see to the types, the tests to the names. */
export function prepare<Row = never>(database: DatabaseSync, sql: string): Query<Row> {
  return database.prepare(sql) as unknown as Query<Row>;
}

/** Several statements as one, at once: nobody else's can get in between, as nothing is awaited. */
export type Atomically = <Result>(action: () => Result, isWanted?: (result: Result) => boolean) => Result;

/**
 * `IMMEDIATE` takes the lock of the only writer at the beginning: a transaction that reads first, and finds out when it writes
 * that somebody else has written meanwhile, could not go on.
 */
export function createAtomically(database: DatabaseSync, mode: 'DEFERRED' | 'IMMEDIATE'): Atomically {
  const begin = prepare(database, `BEGIN ${mode}`);
  const commit = prepare(database, 'COMMIT');
  const rollback = prepare(database, 'ROLLBACK');
  return (action, isWanted = () => true) => {
    begin.get();
    try {
      const result = action();
      (isWanted(result) ? commit : rollback).get();
      return result;
    } catch (error) {
      // SQLite ends it by itself after some errors, such as a full disk.
      if (database.isTransaction) rollback.get();
      throw error;
    }
  };
}
