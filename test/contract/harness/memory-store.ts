import type { MemoryDatabase } from '@waggle/adapter-memory';
import { createMemoryDatabase, createMemoryStore } from '@waggle/adapter-memory';
import type { Store } from '@waggle/messaging';
import type { StoreHarness } from '../stores/harness.ts';

/** Puts something around each store; for planted mistakes. */
export type WrapStore = (store: Store) => Store;

export function memoryStoreHarness({
  wrap = (store) => store,
  deadlineMs = 10_000,
}: { readonly wrap?: WrapStore; readonly deadlineMs?: number } = {}): StoreHarness {
  const databases = new Map<string, MemoryDatabase>();
  return {
    name: 'memory',
    declares: { 'one-writer': 'one transaction at a time, so none is ever committed late' },
    deadlineMs,
    store(namespace) {
      const database = databases.get(namespace) ?? createMemoryDatabase();
      databases.set(namespace, database);
      return wrap(createMemoryStore(database));
    },
    sweep: async (namespace) => void databases.delete(namespace),
    close: async () => undefined,
  };
}
