import type {
  Collection,
  EventToAppend,
  NewCommand,
  NewEvent,
  NewMessage,
  Stream,
  StreamEvent,
  Transaction,
} from '../src/index.ts';
import { VersionConflict } from '../src/index.ts';

/** A transaction for tests of use cases, and what it was asked to do. Nothing is ever committed. */
export interface RecordingTransaction {
  readonly tx: Transaction;
  readonly published: readonly NewEvent[];
  readonly sent: readonly NewCommand[];
  /** What shall leave at a time, by the name that it was given. */
  readonly scheduled: ReadonlyMap<string, { readonly atMs: number; readonly message: NewMessage }>;
  /** The documents of a collection by id, in the order in which they were first put; to be read, and filled before. */
  documents(collection: string): Map<string, unknown>;
  /** The events of a stream; to be read, and filled before. */
  events(stream: string): EventToAppend[];
}

/** Remembers instead of committing. Reads see what was put and appended, as in a transaction. */
export function recordingTransaction(): RecordingTransaction {
  const published: NewEvent[] = [];
  const sent: NewCommand[] = [];
  const scheduled = new Map<string, { readonly atMs: number; readonly message: NewMessage }>();
  const collections = new Map<string, Map<string, unknown>>();
  const streams = new Map<string, EventToAppend[]>();

  function documents(name: string): Map<string, unknown> {
    const found = collections.get(name) ?? new Map<string, unknown>();
    collections.set(name, found);
    return found;
  }

  function collection<Value>(name: string): Collection<Value> {
    const all = documents(name) as Map<string, Value>;
    return {
      get: async (id) => all.get(id),
      list: async () => [...all.values()],
      ids: async () => [...all.keys()],
      put: (id, value) => void all.set(id, value),
      delete: (id) => void all.delete(id),
    };
  }

  function events(name: string): EventToAppend[] {
    const found = streams.get(name) ?? [];
    streams.set(name, found);
    return found;
  }

  function stream(name: string): Stream {
    const all = events(name);
    return {
      async read({ from, to, limit, backwards = false } = {}) {
        const [first = 1, last = Infinity] = backwards ? [to, from] : [from, to];
        const range = all
          .map((event, index) => numbered(name, event, index + 1))
          .filter(({ version }) => version >= first && version <= last);
        return (backwards ? range.toReversed() : range).slice(0, limit);
      },
      append(added, expected) {
        const actual = all.length;
        const right =
          typeof expected === 'number'
            ? actual === expected
            : expected === 'any' || (expected === 'no-stream') === (actual === 0);
        if (!right) throw new VersionConflict(name, expected, actual);
        all.push(...added);
      },
    };
  }

  const tx: Transaction = {
    collection,
    stream,
    publish: (...messages) => void published.push(...messages),
    send: (...commands) => void sent.push(...commands),
    deliverAt: (id, atMs, message) => void scheduled.set(id, { atMs, message }),
    cancel: (id) => void scheduled.delete(id),
  };
  return { tx, published, sent, scheduled, documents, events };
}

function numbered(stream: string, event: EventToAppend, version: number): StreamEvent {
  const { id = `${stream}@${version}`, schemaVersion = 1, metadata = {}, type, data } = event;
  return { id, type, data, schemaVersion, metadata, stream, version };
}
