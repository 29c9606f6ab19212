import type { Changes, CommitOutcome } from '@waggle/messaging';
import type pg from 'pg';
import { createCommit } from './postgres-commit.ts';
import { AS_TEXT, type Row } from './postgres-database.ts';
import { translate } from './postgres-errors.ts';
import { schemaOf } from './postgres-schema.ts';

/**
 * Writes as a store does, inside a transaction that the caller has begun and will end: together with tables of his own, or in a
 * test that holds it open. The isolation has to be `read committed`. Nobody is told of the commit; who waits for it finds it
 * when he looks.
 */
export function createPostgresWriter(client: pg.ClientBase, namespace: string) {
  const commit = createCommit(schemaOf(namespace));
  return (scope: string, changes: Changes): Promise<CommitOutcome> =>
    commit(
      async ({ text }, values) => {
        try {
          const { rows } = await client.query({
            text,
            values: [...values],
            rowMode: 'array',
            types: AS_TEXT,
          });
          return rows as Row[];
        } catch (error) {
          throw translate(error, 'commit');
        }
      },
      scope,
      changes,
    );
}
