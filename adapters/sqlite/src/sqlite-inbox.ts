import type { DatabaseSync } from 'node:sqlite';
import type { Handlings } from '@waggle/messaging';
import { prepare } from './query.ts';

export function createInbox(database: DatabaseSync) {
  const handled = prepare<{ handled: number }>(
    database,
    'SELECT handled FROM inbox WHERE consumer = ? AND message_id = ?',
  );
  const note = (begins: string, goesOn: string): string =>
    `INSERT INTO inbox (consumer, message_id, time_ms, handled, started, failed) VALUES (?, ?, ?, ${begins})
     ON CONFLICT DO UPDATE SET ${goesOn}, time_ms = excluded.time_ms`;
  const finish = prepare(database, note('1, 0, 0', 'handled = 1'));
  const fail = prepare(database, note('0, 0, 1', 'failed = failed + 1'));
  const start = prepare<{ handled: number; started: number; failed: number }>(
    database,
    `${note('0, 1, 0', 'started = started + 1')} RETURNING handled, started, failed`,
  );
  const forget = prepare(database, 'DELETE FROM inbox WHERE time_ms < ?');

  return {
    isHandled: (consumer: string, messageId: string): boolean =>
      handled.get(consumer, messageId)?.handled === 1,
    finish: (consumer: string, messageId: string, timeMs: number): void =>
      finish.get(consumer, messageId, timeMs),
    fail: (consumer: string, messageId: string, timeMs: number): void =>
      fail.get(consumer, messageId, timeMs),
    start(consumer: string, messageId: string, timeMs: number): Handlings {
      const row = start.get(consumer, messageId, timeMs);
      return { handled: row?.handled === 1, started: row?.started ?? 0, failed: row?.failed ?? 0 };
    },
    forget: (beforeMs: number): void => forget.get(beforeMs),
  };
}
