import type { DriverSettings, LogEntry, ReadLogOptions } from '../driver.ts';
import type { Connector, LogKind } from './connection.ts';
import type { Link } from './link.ts';

/**
 * Reads a log across connections, without a gap: each goes on behind the last entry of the one before. Ends without an error
 * when the reader's signal aborts. `located` is called once the place to begin is fixed.
 */
export async function* readLog(
  link: Link,
  { requestTimeoutMs }: DriverSettings,
  { translate }: Connector,
  log: LogKind,
  { from, follow, signal = new AbortController().signal }: ReadLogOptions,
  located: () => void,
): AsyncGenerator<LogEntry, void, undefined> {
  if (signal.aborted) return;
  const needsHead = from === 'new' || !follow;
  const head = needsHead ? await link.ask(`reading ${log}`, (connection) => connection.head(log)) : undefined;
  located();
  let after = from === 'new' ? head : from === 'beginning' ? undefined : from.after;
  if (!follow && (from === 'new' || (from === 'beginning' && head === undefined))) return;
  for (let first = true; !signal.aborted; first = false) {
    const connection = await link.reach(first || !follow ? requestTimeoutMs : Infinity);
    const leaving = new AbortController();
    const ended = AbortSignal.any([signal, leaving.signal, link.lossOf(connection), link.closed]);
    const until = follow ? undefined : head;
    try {
      for await (const entry of connection.read(log, { after, until, signal: ended })) {
        after = entry.position;
        yield entry;
        if (signal.aborted) return;
      }
      if (!ended.aborted) return;
    } catch (error) {
      if (!ended.aborted) throw translate(error, `reading ${log}`);
    } finally {
      leaving.abort();
    }
    if (!signal.aborted) link.closed.throwIfAborted();
  }
}
