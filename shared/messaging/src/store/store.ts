import type { ExpectedVersion, Logger, MessageKind, StreamRange } from '@waggle/kernel';

/** A document with the version that it had when it was read. */
export interface StoredDocument {
  readonly id: string;
  /** JSON, as everything that a store keeps: it has been encoded, and nobody else can reach it. */
  readonly value: string;
  /** Above 0, and another one with each write, also when it was removed in between. */
  readonly version: number;
}

/** A write that happens only if the document still has `expectedVersion`; 0 means that it must not exist. */
export interface DocumentWrite {
  readonly collection: string;
  readonly id: string;
  /** JSON; `undefined` removes it. */
  readonly value: string | undefined;
  readonly expectedVersion: number | 'any';
}

export interface EventWrite {
  readonly id: string;
  readonly type: string;
  readonly schemaVersion: number;
  /** JSON. */
  readonly data: string;
  /** JSON. */
  readonly metadata: string;
}

/** An append; with no events it checks the expectation alone. */
export interface StreamWrite {
  readonly stream: string;
  readonly expected: ExpectedVersion;
  readonly events: readonly EventWrite[];
  /** Events below this version are forgotten. */
  readonly truncateBefore?: number;
}

/** An event as it is stored. */
export interface EventRow extends EventWrite {
  readonly stream: string;
  /** From 1, without holes. */
  readonly version: number;
  /** Grows with every event of the store, with holes. */
  readonly position: number;
  readonly timeMs: number;
}

/** A message that waits to be published. */
export interface OutboxMessage {
  readonly kind: MessageKind;
  /** The id of the message. */
  readonly id: string;
  /** Messages of one kind with the same key keep their order. */
  readonly key: string | undefined;
  /** From the key; one relay at a time publishes a partition. */
  readonly partition: number;
  /** The message as it goes on the wire: structured JSON. */
  readonly body: string;
}

/** An outbox message with its place in the order of commits, as far as commits of one key are concerned. */
export interface OutboxEntry extends OutboxMessage {
  readonly position: number;
}

/** A message that waits for its time, under the service's own name for it; without a message, what waits is taken back. */
export interface ScheduleWrite {
  readonly id: string;
  readonly due?: { readonly atMs: number; readonly message: OutboxMessage };
}

/** What one unit of work wants written. */
export interface Changes {
  /** The time of the events and of the inbox; milliseconds since the epoch. */
  readonly timeMs: number;
  readonly documents?: readonly DocumentWrite[];
  /** A stream may occur several times: the later ones see the earlier. */
  readonly streams?: readonly StreamWrite[];
  readonly outbox?: readonly OutboxMessage[];
  readonly schedule?: readonly ScheduleWrite[];
  /** The message whose effect this is; refused if this consumer had it before. */
  readonly inbox?: { readonly consumer: string; readonly messageId: string } | undefined;
}

export type CommitOutcome =
  /** With the new version of each stream that was written, in their order. */
  | { readonly outcome: 'committed'; readonly versions: readonly number[] }
  | { readonly outcome: 'duplicate' }
  /** Of a document, or of a stream: the place of its write, and the version that it has. */
  | { readonly outcome: 'conflict'; readonly stream?: { readonly index: number; readonly actual: number } };

/** What became of the handlings of a message that came again. */
export interface Handlings {
  readonly handled: boolean;
  /** Handlings that began, this one included, without the very first. */
  readonly started: number;
  /** Those that ended with an error; the others ended with their process, or go on. */
  readonly failed: number;
}

/** What a commit added to; whoever waits for one looks when he hears of it. */
export type Added = 'events' | 'outbox' | 'schedule';

/**
 * What a store must be able to do: read, and commit everything that one unit of work wants, together or not at all. A `scope`
 * is what one service keeps. Safe for concurrent use, in this process and, where the store can be shared, in others.
 *
 * A commit is checked in this order: the inbox (`duplicate`), the streams, the documents (`conflict`). Streams and documents
 * are locked before they are checked, and all of them before the first event is written, so that positions grow in the order
 * of commits for every stream, and outbox positions for every key whose commits lock something in common. A commit whose
 * streams all have the events with these ids already is a repeat: nothing is written, and it counts as committed.
 * @throws MessagingError `unavailable`, `timeout`, `denied`, `closed`; of a commit `invalid` for an event id that is taken
 */
export interface Store {
  /** Makes what is missing, where it is allowed to; see `StoreSettings`. */
  open(): Promise<void>;
  /** Asks whether it can be used now; cheap, for readiness. @throws whatever tells why not */
  check(): Promise<void>;
  close(): Promise<void>;

  get(scope: string, collection: string, id: string): Promise<StoredDocument | undefined>;
  /** In the order of first writing; those of one commit in any order. */
  list(scope: string, collection: string): Promise<readonly StoredDocument[]>;
  /** `range` is valid. */
  readStream(scope: string, stream: string, range: StreamRange): Promise<readonly EventRow[]>;
  /**
   * Oldest first, of streams that begin with `<category>-`. None is ever skipped: what is behind `position` is all that will
   * ever be visible after it. Reading goes on behind `position`, which may be past the last event.
   */
  readAll(
    scope: string,
    options: { readonly after: number; readonly category?: string | undefined; readonly limit: number },
  ): Promise<{ readonly events: readonly EventRow[]; readonly position: number }>;
  commit(scope: string, changes: Changes): Promise<CommitOutcome>;

  /** Whether this consumer's effect of this message was committed. */
  handled(consumer: string, messageId: string): Promise<boolean>;
  /** Notes that a message that came again begins to be handled. */
  startHandling(consumer: string, messageId: string, timeMs: number): Promise<Handlings>;
  /** Notes that a handling ended with an error. */
  failHandling(consumer: string, messageId: string, timeMs: number): Promise<void>;
  /** Forgets what the inbox noted before this time. */
  forgetHandled(beforeMs: number): Promise<void>;

  /**
   * Of these partitions (default all), those behind `after`, in the order of their positions, as of one moment; and the last
   * position in the whole outbox at that moment, 0 where it is empty.
   */
  outbox(options: {
    readonly after: number;
    readonly limit: number;
    readonly partitions?: readonly number[];
  }): Promise<{ readonly entries: readonly OutboxEntry[]; readonly head: number }>;
  /** Forgets what was confirmed by the broker. */
  removeFromOutbox(positions: readonly number[]): Promise<void>;
  /** Moves at most `limit` messages that are due into the outbox; when the next one is due, if any is left. */
  releaseDue(nowMs: number, limit: number): Promise<{ readonly nextMs: number | undefined }>;
  /** Calls after commits that added, soon in this process and, as the store can, in others; returns what stops that. */
  onCommit(wake: (added: Added) => void): () => void;
}

/** What every store is told by the host. */
export interface StoreSettings {
  /** What other namespaces keep in the same place is not seen. */
  readonly namespace: string;
  /** `declare`: tables that are missing or old are made new; `bind`: they must be there, and nothing is altered. */
  readonly topology: 'declare' | 'bind';
  readonly requestTimeoutMs: number;
  readonly logger: Logger;
}
