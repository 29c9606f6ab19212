import type { MemoryDatabase } from '@waggle/adapter-memory';
import { createMemoryDatabase, createMemoryStore } from '@waggle/adapter-memory';
import type { Store } from '@waggle/messaging';
import type { OpenWriter, StoreHarness } from '../stores/harness.ts';

/** What is put around the stores of one database; for planted mistakes. */
export interface Planted {
  wrap(store: Store): Store;
  /** Makes of a store that is open one with several writers. */
  openWriter?(store: Store): OpenWriter;
}

interface Database {
  readonly memory: MemoryDatabase;
  readonly planted: Planted;
}

export function memoryStoreHarness({
  plant = () => ({ wrap: (store) => store }),
  deadlineMs = 10_000,
}: { readonly plant?: () => Planted; readonly deadlineMs?: number } = {}): StoreHarness {
  const databases = new Map<string, Database>();

  function databaseOf(namespace: string): Database {
    const database = databases.get(namespace) ?? { memory: createMemoryDatabase(), planted: plant() };
    databases.set(namespace, database);
    return database;
  }

  return {
    name: 'memory',
    declares:
      plant().openWriter === undefined
        ? { 'one-writer': 'one transaction at a time, so none is ever committed late' }
        : {},
    deadlineMs,
    store(namespace) {
      const { memory, planted } = databaseOf(namespace);
      return planted.wrap(createMemoryStore(memory));
    },
    async openWriter(namespace) {
      const { memory, planted } = databaseOf(namespace);
      const store = createMemoryStore(memory);
      await store.open();
      if (planted.openWriter === undefined) throw new Error('there is one writer at a time');
      return planted.openWriter(store);
    },
    sweep: async (namespace) => void databases.delete(namespace),
    close: async () => undefined,
  };
}
