import type { Collection, NewCommand, NewEvent, Transaction } from '../src/index.ts';

/** A transaction for tests of use cases, and what it was asked to do. Nothing is ever committed. */
export interface RecordingTransaction {
  readonly tx: Transaction;
  readonly published: readonly NewEvent[];
  readonly sent: readonly NewCommand[];
  /** The documents of a collection by id, in the order in which they were first put; to be read, and filled before. */
  documents(collection: string): Map<string, unknown>;
}

/** Remembers instead of committing. Reads see what was put, as in a transaction. */
export function recordingTransaction(): RecordingTransaction {
  const published: NewEvent[] = [];
  const sent: NewCommand[] = [];
  const collections = new Map<string, Map<string, unknown>>();

  function documents(collection: string): Map<string, unknown> {
    const found = collections.get(collection) ?? new Map<string, unknown>();
    collections.set(collection, found);
    return found;
  }

  function collection<Value>(name: string): Collection<Value> {
    const all = documents(name) as Map<string, Value>;
    return {
      get: async (id) => all.get(id),
      list: async () => [...all.values()],
      put: (id, value) => void all.set(id, value),
    };
  }

  const tx: Transaction = {
    collection,
    publish: (...events) => void published.push(...events),
    send: (...commands) => void sent.push(...commands),
  };
  return { tx, published, sent, documents };
}
