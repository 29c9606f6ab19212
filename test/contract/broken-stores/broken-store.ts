import type { Changes, Store } from '@waggle/messaging';
import type { Planted } from '../harness/memory-store.ts';
import type { StoreClauseId } from '../stores/index.ts';

/** A store that breaks one promise, around the one in memory, and what must notice. */
export interface BrokenStore {
  /** What it does wrong, as a sentence goes on: "a store that ...". */
  readonly name: string;
  /** Makes what breaks each store of one database; what its stores share lives here. */
  plant(): Planted;
  /** The clauses with a test that fails; all others hold. */
  readonly caughtBy: readonly StoreClauseId[];
}

/** The scope of what relays tell each other. */
export const RELAYS = '~waggle';

/** A store with some methods replaced. */
export function doing(methods: (store: Store) => Partial<Store>): () => Planted {
  return () => ({ wrap: (store) => ({ ...store, ...methods(store) }) });
}

/** A store that commits something else than what it is told. */
export function committing(change: (changes: Changes, scope: string) => Changes): () => Planted {
  return doing((store) => ({ commit: (scope, changes) => store.commit(scope, change(changes, scope)) }));
}

export async function versionOf(store: Store, scope: string, stream: string): Promise<number> {
  const [last] = await store.readStream(scope, stream, { backwards: true, limit: 1 });
  return last?.version ?? 0;
}

/** Lets everybody else go on. */
export function aTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
