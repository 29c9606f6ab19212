import type { DatabaseSync } from 'node:sqlite';
import type { DocumentWrite, StoredDocument } from '@waggle/messaging';
import { prepare } from './query.ts';

const COLUMNS = 'id, value, version';
/** A version that no document had before, also one of this id that was removed: 52 bits by chance. */
const ANOTHER = '(random() & 9007199254740991) | 1';

export function createDocuments(database: DatabaseSync) {
  const one = prepare<StoredDocument>(
    database,
    `SELECT ${COLUMNS} FROM documents WHERE scope = ? AND collection = ? AND id = ?`,
  );
  const all = prepare<StoredDocument>(
    database,
    `SELECT ${COLUMNS} FROM documents WHERE scope = ? AND collection = ? ORDER BY place`,
  );
  const current = prepare<{ version: number }>(
    database,
    'SELECT version FROM documents WHERE scope = ? AND collection = ? AND id = ?',
  );
  const put = prepare(
    database,
    `INSERT INTO documents (scope, collection, id, version, value) VALUES (?, ?, ?, ${ANOTHER}, ?)
     ON CONFLICT DO UPDATE SET version = excluded.version, value = excluded.value`,
  );
  const remove = prepare(database, 'DELETE FROM documents WHERE scope = ? AND collection = ? AND id = ?');

  return {
    get(scope: string, collection: string, id: string): StoredDocument | undefined {
      const row = one.get(scope, collection, id);
      return row && { ...row };
    },
    list: (scope: string, collection: string): readonly StoredDocument[] =>
      all.all(scope, collection).map((row) => ({ ...row })),

    /** Whether each is as expected. One that is written twice cannot be, the second time. */
    areCurrent(scope: string, writes: readonly DocumentWrite[]): boolean {
      const written = new Set(writes.map(({ collection, id }) => JSON.stringify([collection, id])));
      if (written.size < writes.length) return false;
      return writes.every(({ collection, id, expectedVersion }) => {
        if (expectedVersion === 'any') return true;
        return (current.get(scope, collection, id)?.version ?? 0) === expectedVersion;
      });
    },
    write(scope: string, writes: readonly DocumentWrite[]): void {
      for (const { collection, id, value } of writes) {
        if (value === undefined) remove.get(scope, collection, id);
        else put.get(scope, collection, id, value);
      }
    },
  };
}
