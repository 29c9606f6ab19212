import type { DatabaseSync } from 'node:sqlite';
import type { OutboxEntry, OutboxMessage, ScheduleWrite } from '@waggle/messaging';
import { createAtomically, prepare } from './query.ts';

const MESSAGE = 'kind, id, key, partition, body';

type Row = Omit<OutboxEntry, 'key'> & { readonly key: string | null };

/** Messages that wait to be published, and those that wait for their time to do so. */
export function createOutbox(database: DatabaseSync) {
  const atOneMoment = createAtomically(database, 'DEFERRED');
  const atomically = createAtomically(database, 'IMMEDIATE');

  const add = prepare(database, `INSERT INTO outbox (${MESSAGE}) VALUES (?, ?, ?, ?, ?)`);
  const head = prepare<{ position: number | null }>(database, 'SELECT max(position) AS position FROM outbox');
  const some = (where: string) =>
    prepare<Row>(
      database,
      `SELECT position, ${MESSAGE} FROM outbox WHERE ${where} ORDER BY position LIMIT ?`,
    );
  const readAll = some('position > ?');
  // The unary plus keeps SQLite from going through the partitions instead of the positions.
  const readPartitions = some('position > ? AND +partition IN (SELECT value FROM json_each(?))');
  const remove = prepare(database, 'DELETE FROM outbox WHERE position IN (SELECT value FROM json_each(?))');

  const put = prepare(
    database,
    `INSERT INTO schedule (scope, name, at_ms, ${MESSAGE}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET at_ms = excluded.at_ms, kind = excluded.kind, id = excluded.id, key = excluded.key,
       partition = excluded.partition, body = excluded.body`,
  );
  const cancel = prepare(database, 'DELETE FROM schedule WHERE scope = ? AND name = ?');
  const next = prepare<{ atMs: number | null }>(database, 'SELECT min(at_ms) AS atMs FROM schedule');
  const due = 'FROM schedule WHERE at_ms <= ? ORDER BY at_ms, place LIMIT ?';
  const release = prepare(database, `INSERT INTO outbox (${MESSAGE}) SELECT ${MESSAGE} ${due}`);
  const forgetReleased = prepare(database, `DELETE FROM schedule WHERE place IN (SELECT place ${due})`);

  const nextMs = (): number | undefined => next.get()?.atMs ?? undefined;

  return {
    add(messages: readonly OutboxMessage[]): void {
      for (const { kind, id, key, partition, body } of messages)
        add.get(kind, id, key ?? null, partition, body);
    },
    read(after: number, limit: number, partitions?: readonly number[]) {
      return atOneMoment(() => {
        const rows =
          partitions === undefined
            ? readAll.all(after, limit)
            : readPartitions.all(after, JSON.stringify(partitions), limit);
        const entries = rows.map((row): OutboxEntry => ({ ...row, key: row.key ?? undefined }));
        return { entries, head: head.get()?.position ?? 0 };
      });
    },
    remove: (positions: readonly number[]): void => remove.get(JSON.stringify(positions)),

    schedule(scope: string, writes: readonly ScheduleWrite[]): void {
      for (const { id: name, due: wanted } of writes) {
        if (wanted === undefined) cancel.get(scope, name);
        else {
          const { kind, id, key, partition, body } = wanted.message;
          put.get(scope, name, wanted.atMs, kind, id, key ?? null, partition, body);
        }
      }
    },
    /** Looks first: it is asked often, and nobody should have to wait for a lock when nothing is due. */
    releaseDue(
      nowMs: number,
      limit: number,
    ): { readonly released: boolean; readonly nextMs: number | undefined } {
      const firstMs = nextMs();
      if (firstMs === undefined || firstMs > nowMs) return { released: false, nextMs: firstMs };
      return atomically(() => {
        release.get(nowMs, limit);
        forgetReleased.get(nowMs, limit);
        return { released: true, nextMs: nextMs() };
      });
    },
  };
}
