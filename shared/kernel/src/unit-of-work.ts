import type { NewCommand, NewEvent, NewMessage } from './contract.ts';
import type { EventToAppend, ExpectedVersion, StreamEvent, StreamRange } from './event-store.ts';

/** A named collection of documents: state that a service keeps, one value an id. Values are what JSON can say. */
export interface Collection<Value> {
  /** The document as this transaction sees it, its own writes included. */
  get(id: string): Promise<Value | undefined>;
  /** All documents in the order in which they were first put; those of one transaction in any order. */
  list(): Promise<readonly Value[]>;
  /** Their ids, in the same order. */
  ids(): Promise<readonly string[]>;
  /**
   * Writes at commit, and only if the document is still as this transaction read it; one that it never read must not
   * exist. Otherwise the transaction fails with `conflict`, and `run` starts it again.
   */
  put(id: string, value: Value): void;
  /** Removes at commit, under the same condition as `put`; what was never read is removed whatever it is. */
  delete(id: string): void;
}

/** One stream of the event store, as a transaction sees it. */
export interface Stream {
  /** Its events, those that this transaction appended included, in their newest shape. @throws MessagingError `invalid` */
  read(range?: StreamRange): Promise<readonly StreamEvent[]>;
  /**
   * Appends at commit, if the stream then looks as expected; otherwise the transaction fails with `VersionConflict`, and
   * `run` starts it again.
   */
  append(events: readonly EventToAppend[], expected: ExpectedVersion): void;
}

/** Messages leave after the commit of what they belong to, and never without it. */
export interface Outbox {
  /** Announces facts. */
  publish(...events: readonly NewEvent[]): void;
  /** Asks for work. */
  send(...commands: readonly NewCommand[]): void;
}

/** Messages that leave at a time, through the outbox: the same on every broker. They survive restarts. */
export interface Scheduler {
  /**
   * Lets the message leave once `atMs` (since the Unix epoch) has come, and not earlier. `id` is the service's own name for
   * it: under the same one a later call takes the place of what has not left yet (it is rescheduled), under others nothing.
   */
  deliverAt(id: string, atMs: number, message: NewMessage): void;
  /** Takes back what has not left yet; nothing where there is nothing. */
  cancel(id: string): void;
}

/** What happens in one transaction, together or not at all. Once the work that it was given to has ended, it throws `closed`. */
export interface Transaction extends Outbox, Scheduler {
  collection<Value>(name: string): Collection<Value>;
  /** @param name `<category>-<id>` */
  stream(name: string): Stream;
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

/** Which effect of which message. */
export interface Receipt {
  readonly consumer: string;
  readonly messageId: string;
  /** 1 for the first handling that started. */
  readonly attempt: number;
}

/** Lets a message take effect once for each consumer, however often it is delivered. */
export interface Inbox {
  /**
   * Like `UnitOfWork.run`, once for each (consumer, message id): the second time nothing runs, or nothing is committed.
   * Nothing is committed either once `signal` has aborted: by then somebody else may be handling the message.
   * @throws as `run`; Reject for a message whose handlings keep ending with their process
   */
  runOnce(
    receipt: Receipt,
    signal: AbortSignal,
    work: (tx: Transaction) => Promise<void>,
  ): Promise<'done' | 'duplicate'>;
}
