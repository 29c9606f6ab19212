import type { NewCommand, NewEvent } from './contract.ts';

/** A named collection of documents: state that a service keeps, one value an id. */
export interface Collection<Value> {
  /** The document as this transaction sees it, its own writes included. */
  get(id: string): Promise<Value | undefined>;
  /** All documents in the order in which they were first put. */
  list(): Promise<readonly Value[]>;
  /**
   * Writes at commit, and only if the document is still as this transaction read it; one that it never read must not
   * exist. Otherwise the transaction fails with `conflict`, and `run` starts it again.
   */
  put(id: string, value: Value): void;
}

/** What happens in one transaction, together or not at all. Once the work that it was given to has ended, it throws `closed`. */
export interface Transaction {
  collection<Value>(name: string): Collection<Value>;
  /** Announces facts. They leave through the outbox after the commit. */
  publish(...events: readonly NewEvent[]): void;
  /** Asks for work. The commands leave through the outbox after the commit. */
  send(...commands: readonly NewCommand[]): void;
}

/** State, outbox and inbox change together or not at all. */
export interface UnitOfWork {
  /**
   * Runs `work` and commits what it collected; a throw commits nothing. After a lost race the work runs again, a bounded
   * number of times, so it may have no effect but through `tx`.
   * @throws what `work` throws; MessagingError `conflict` when every try lost its race
   */
  run<Result>(work: (tx: Transaction) => Promise<Result>): Promise<Result>;
}
