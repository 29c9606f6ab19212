import type { CloudEvent, MessageKind } from '@waggle/kernel';

/** A document with the version that it had when it was read. */
export interface StoredDocument {
  readonly id: string;
  readonly value: unknown;
  readonly version: number;
}

/** A write that happens only if the document still has `expectedVersion`; 0 means that it must not exist. */
export interface DocumentWrite {
  readonly collection: string;
  readonly id: string;
  readonly value: unknown;
  readonly expectedVersion: number;
}

/** A message that waits to be published. */
export interface OutboxMessage {
  readonly kind: MessageKind;
  readonly message: CloudEvent;
}

/** An outbox message with its place in the order of commits. */
export interface OutboxEntry extends OutboxMessage {
  readonly position: number;
}

/** What one unit of work wants written. */
export interface Changes {
  readonly documents: readonly DocumentWrite[];
  readonly outbox: readonly OutboxMessage[];
  /** The message whose effect this is; refused if this consumer had it before. */
  readonly inbox?: { readonly consumer: string; readonly messageId: string } | undefined;
}

export type CommitOutcome = 'committed' | 'conflict' | 'duplicate';

/**
 * What a store must be able to do: read documents, and commit everything that one unit of work wants, together or not at
 * all. What it returns and takes is isolated: later changes to a value are not seen on the other side.
 */
export interface Store {
  open(): Promise<void>;
  /** Asks whether it can be used now; cheap, for readiness. @throws whatever tells why not */
  check(): Promise<void>;
  get(scope: string, collection: string, id: string): Promise<StoredDocument | undefined>;
  /** In the order of first writing. */
  list(scope: string, collection: string): Promise<readonly StoredDocument[]>;
  /** Whether this consumer's effect of this message was committed. */
  handled(consumer: string, messageId: string): Promise<boolean>;
  commit(scope: string, changes: Changes): Promise<CommitOutcome>;
  /** Oldest first, those behind `after` (0: from the start), at most `limit`. */
  outbox(after: number, limit: number): Promise<readonly OutboxEntry[]>;
  /** Forgets what was confirmed by the broker. */
  removeFromOutbox(positions: readonly number[]): Promise<void>;
  /** Calls `wake` after commits that added to the outbox, at least in this process; returns what stops that. */
  onOutbox(wake: () => void): () => void;
  close(): Promise<void>;
}
