import type { Changes, CommitOutcome, Store } from '@waggle/messaging';

/** What a store may declare that it cannot; the test then asserts the alternative. */
export type StoreDeclaration = 'one-writer';

/** A transaction that a test holds open; the store's own way of writing, without its end. */
export interface OpenWriter {
  /** As `Store.commit`, but not committed. */
  write(scope: string, changes: Changes): Promise<CommitOutcome>;
  commit(): Promise<void>;
  rollback(): Promise<void>;
}

/** What the suite needs of a store that is put to the test. */
export interface StoreHarness {
  readonly name: string;
  /** A store over what this namespace keeps, not open yet: a second one stands for a second process. */
  store(namespace: string): Store;
  /** Where `one-writer` is not declared: a transaction of its own, begun and not committed. */
  openWriter?(namespace: string): Promise<OpenWriter>;
  /** With the reason, for the matrix. */
  readonly declares: Readonly<Partial<Record<StoreDeclaration, string>>>;
  /** The longest wait for something that must come; milliseconds. */
  readonly deadlineMs: number;
  /** Removes what the namespace keeps. */
  sweep(namespace: string): Promise<void>;
  close(): Promise<void>;
}
