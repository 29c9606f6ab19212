import type { DriverSettings, LogEntry, ReadLogOptions } from '../driver.ts';
import type { Connector, LogKind } from './connection.ts';
import type { Link } from './link.ts';
import { abortable } from './waiting.ts';

/**
 * Reads a log across connections, without a gap: each goes on behind the last entry of the one before. Ends without an error
 * when the reader's signal aborts, whatever it waits for. `located` is called once the place to begin is fixed.
 */
export async function* readLog(
  link: Link,
  settings: DriverSettings,
  connector: Connector,
  log: LogKind,
  { signal = new AbortController().signal, ...options }: ReadLogOptions,
  located: () => void,
): AsyncGenerator<LogEntry, void, undefined> {
  if (signal.aborted) return;
  try {
    yield* readUntilAborted(link, settings, connector, log, { ...options, signal }, located);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

async function* readUntilAborted(
  link: Link,
  { requestTimeoutMs }: DriverSettings,
  { translate }: Connector,
  log: LogKind,
  { from, follow, signal }: ReadLogOptions & { readonly signal: AbortSignal },
  located: () => void,
): AsyncGenerator<LogEntry, void, undefined> {
  const askHead = (): Promise<string | undefined> =>
    abortable(
      link.ask(`reading ${log}`, (connection) => connection.head(log)),
      signal,
    );
  const head = from === 'new' || !follow ? await askHead() : undefined;
  located();
  let after = from === 'new' ? head : from === 'beginning' ? undefined : from.after;
  let resumed = from === 'new';
  if (!follow && (from === 'new' || (from === 'beginning' && head === undefined))) return;
  for (let first = true; !signal.aborted; first = false) {
    const connection = await abortable(link.reach(first || !follow ? requestTimeoutMs : Infinity), signal);
    const leaving = new AbortController();
    const ended = AbortSignal.any([signal, leaving.signal, link.lossOf(connection), link.closed]);
    const until = follow ? undefined : head;
    try {
      for await (const entry of connection.read(log, { after, resumed, until, signal: ended })) {
        after = entry.position;
        resumed = true;
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
