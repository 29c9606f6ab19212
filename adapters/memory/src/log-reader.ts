import type { LogEntry, ReadLogOptions } from '@waggle/messaging';
import type { Connection } from './connection.ts';
import { positionOf } from './memory-log.ts';
import type { Session } from './memory-session.ts';
import { handOut } from './stored-message.ts';

/**
 * Reads a log across reconnects, without a gap: a reader that the retention overtakes is told so (`out-of-range`) instead
 * of missing something silently.
 */
export async function* readLog(
  connection: Connection,
  kind: 'stream' | 'dead-letters',
  { from, follow, signal }: ReadLogOptions,
): AsyncGenerator<LogEntry> {
  const reach = (timeoutMs?: number): Promise<Session | undefined> =>
    connection.reach(timeoutMs, signal).catch((error: unknown) => {
      if (signal?.aborted !== true) throw error;
      return undefined;
    });
  const log = (await reach())?.log(kind);
  if (log === undefined) return;
  let next = log.startOf(from);
  const last = follow ? Infinity : log.head;
  let wake = (): void => undefined;
  const signalled = (): void => wake();
  const stops = [log.watch(signalled), connection.onClose(signalled)];
  signal?.addEventListener('abort', signalled);
  try {
    while (next <= last && signal?.aborted !== true) {
      if (connection.session === undefined && (await reach(follow ? Infinity : undefined)) === undefined)
        return;
      log.trim();
      if (next > log.head) {
        await new Promise<void>((resolve) => (wake = resolve));
        continue;
      }
      const stored = log.at(next);
      if (stored === undefined) throw log.gone(next);
      yield { message: handOut(stored), position: positionOf(next) };
      next += 1;
    }
  } finally {
    for (const stop of stops) stop();
    signal?.removeEventListener('abort', signalled);
  }
}
