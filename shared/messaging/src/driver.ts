import type { Logger, MessagingError } from '@waggle/kernel';

/** Keyed messages go to a numbered lane, by the hash of their key; messages without a key have a line without order. */
export type Lane = number | 'unordered';

/**
 * Where messages stay until somebody takes them. A stream is a source with a log; a queue is one without.
 * - `stream`        the namespace's events; every group gets each of them
 * - `queue`         the commands of one context; each goes to one member of the one group
 * - `dead-letters`  a log of dead letters and of what became of them; read, never consumed
 */
export type Source =
  | { readonly kind: 'stream' }
  | { readonly kind: 'queue'; readonly context: string }
  | { readonly kind: 'dead-letters' };

/** Where a message goes: to a source, or to one group of the stream alone (a redrive), in the lane it would have had. */
export type Destination = Source | { readonly kind: 'group'; readonly group: string };

/** Bytes with the little that a broker needs to know of them. */
export interface OutgoingMessage {
  readonly to: Destination;
  readonly lane: Lane;
  readonly type: string;
  /** Goes into the transport's own message id; two messages with one id may be stored once. */
  readonly id: string;
  readonly contentType: string;
  /** Names in lower case, `[a-z0-9-]`; values any text. Carried exactly, or the message is refused with `invalid`. */
  readonly headers: Readonly<Record<string, string>>;
  /** What the transport can show in fields of its own; never read back. */
  readonly hints?: { readonly timeMs?: number; readonly correlationId?: string };
  readonly body: Uint8Array;
}

/** A message as it came from the broker. Headers are computed on first access, so that a hot path may do without. */
export interface IncomingMessage {
  /** What the transport says of the message; absent where a foreign producer left it out. */
  readonly type?: string | undefined;
  readonly id?: string | undefined;
  readonly contentType?: string | undefined;
  /** Names in lower case; CloudEvents attributes of a binary-mode message normalised to `ce-<attribute>`. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** One handing over of a message. Settled exactly once, by `ack`, `retry` or `release`; later calls do nothing. */
export interface Delivery {
  readonly message: IncomingMessage;
  readonly lane: Lane;
  /** 1 for the first handing over, counted by the broker across crashes and members; a `release` does not count where the broker can tell. */
  readonly attempt: number;
  /**
   * Whether a settlement would have no effect any more, since the connection, or the lease, is gone: the message comes again,
   * here or elsewhere, so its handling need not begin. @default false
   */
  readonly isOver?: boolean;
  /** Done: never delivered to this group again. Sent at once or within the same turn of the event loop, not awaited. */
  ack(): void;
  /**
   * Failed: delivered again `delayMs` from now at the earliest, with `attempt` one higher. Of a numbered lane of an
   * ordered consumer nothing else is delivered meanwhile; of an unordered one it does not count against `concurrency`.
   */
  retry(delayMs: number): void;
  /** Not handled: handed back at once, for any member. */
  release(): void;
}

/** What a consumer takes. */
export interface ConsumeOptions {
  readonly source:
    | { readonly kind: 'group'; readonly group: string }
    | { readonly kind: 'queue'; readonly context: string };
  /**
   * `by-key`: of each numbered lane at most one message is unsettled at a time over all members of the group, and the
   * lane's messages come in the order in which they were stored. `none`: as they come. Queues are always by key.
   */
  readonly ordering: 'by-key' | 'none';
  /** Most unsettled deliveries at a time of the unordered lane, or of all if `ordering` is `none`. Nothing is taken that has no place. */
  readonly concurrency: number;
  /**
   * Told how many messages of the group were discarded by the retention before the group came to them, since it was last
   * told; by one member at least. An upper bound where the broker cannot tell them from others of its log.
   */
  readonly onMissed?: (count: number) => void;
}

/** A running consumer of this process. */
export interface DriverConsumer {
  /**
   * Whether it gets what is there for it: not without a connection, nor while the server refuses it or it is being attached
   * again. A permission that is taken away is `denied` in the log, and tried again ever more slowly. @default true
   */
  readonly isAttached?: boolean;
  /** Takes nothing more until `resume()`. What was handed over can be settled. Idempotent. */
  pause(): void;
  resume(): void;
  /**
   * Leaves: takes nothing more, sends the settlements that were called, and lets the broker redeliver what is unsettled.
   * Deliveries settled afterwards have no effect. Idempotent; resolves when the broker knows.
   */
  close(): Promise<void>;
}

/** A place in a log: opaque, comparable for equality only. `after` begins behind it. */
export type LogPosition = 'beginning' | 'new' | { readonly after: string };

export interface LogEntry {
  readonly message: IncomingMessage;
  readonly position: string;
}

export interface ReadLogOptions {
  readonly from: LogPosition;
  /** `false` ends at the head as it was when the reading began; `true` goes on until `signal` aborts. */
  readonly follow: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** How long a log keeps its messages; the oldest go first. A broker may round up to its segment. */
export interface Retention {
  readonly maxAgeMs: number;
  readonly maxBytes: number;
}

export interface GroupDeclaration {
  /** `<service>.<handler>`; an adapter escapes what its broker refuses. */
  readonly group: string;
  /** Types, `<context>.*` or `*`. A driver may deliver more than that (foreign types are skipped above it), never less. */
  readonly types: readonly string[];
  /** Counts when the group is first created. */
  readonly from: LogPosition;
  readonly ordering: 'by-key' | 'none';
}

/** What must exist, and what must not. The stream and the dead letters always do, once a driver is open. */
export interface Topology {
  readonly queues?: readonly string[];
  readonly groups?: readonly GroupDeclaration[];
  /**
   * Groups and queues that are removed, with what is unsettled in them, before the rest is created: a group that stands
   * in `groups` as well begins anew. `conflict` while anybody consumes one of them, and `out-of-range` for a position in
   * `groups`, before anything is removed; one that does not exist is a success.
   */
  readonly absent?: readonly ConsumeOptions['source'][];
}

/** Something that exists on the broker on behalf of the namespace, for people. */
export interface TopologyResource {
  readonly kind: string;
  readonly name: string;
  readonly details: Readonly<Record<string, string | number | boolean>>;
  /** Of each group and queue of the namespace, whichever process declared it: `kind` is `group` or `queue`. */
  readonly consumption?: Consumption;
}

/** How a group or a queue stands. */
export interface Consumption {
  readonly source: ConsumeOptions['source'];
  readonly ordering: 'by-key' | 'none';
  /** What it was declared with. A queue has `*`. */
  readonly types: readonly string[];
  readonly lag: number;
  /** Whether somebody consumes it, or did less than a lease ago. */
  readonly inUse: boolean;
}

export type DriverStatus = 'new' | 'open' | 'reconnecting' | 'closed';

/** What every driver is given; an adapter adds its own, such as the URL. */
export interface DriverSettings {
  /** Prefix of everything on the broker. */
  readonly namespace: string;
  /** How many numbered lanes; fixed when the stream is created and compared at `open`. Usually 16. */
  readonly lanes: number;
  readonly retention: Retention;
  /** Most bytes of a body. Usually 1_048_576. */
  readonly maxMessageBytes: number;
  /** How long a server is waited for: at open, for a confirmation, for an answer. Usually 10_000. */
  readonly requestTimeoutMs: number;
  /** Without a sign of life from a member for this long, what it holds goes to another. Usually 30_000. */
  readonly leaseMs: number;
  /**
   * `bind`: nothing on the server is created, altered or deleted, because somebody else owns it: `open` and `declare` check
   * that it is there as this process would have made it, and fail with `conflict`, naming the resource and both values, or
   * `unroutable` for what is missing. @default 'declare'
   */
  readonly topology?: 'declare' | 'bind';
  readonly logger: Logger;
}

/**
 * What a broker must be able to do; everything else is written once, above this port. Every failure is a
 * `MessagingError`: a driver translates its client's errors once, and never puts credentials into them.
 *
 * Safe for concurrent use. A driver survives what it can: it reconnects by itself, consumers included, and what it
 * was asked meanwhile waits until `requestTimeoutMs` is over.
 */
export interface BrokerDriver {
  readonly status: DriverStatus;
  /**
   * Whether a `release` counts as an attempt, because the broker cannot tell it from a failure: `attempt` is then an upper
   * bound. Known once open. @default false
   */
  readonly releaseCounts?: boolean;
  /**
   * Connects, and declares the stream and the dead letters. With `waitMs` an unreachable server is tried again for that
   * long; without, the first failure is final. Fails on a lane count or retention that differs from what exists.
   * @throws MessagingError `unavailable`, `denied`, `conflict`, `invalid`, `closed`; the signal's reason when aborted
   */
  open(options?: { readonly waitMs?: number; readonly signal?: AbortSignal }): Promise<void>;
  /** Creates what does not exist yet; safe from many processes at once. @throws MessagingError `conflict` and others */
  declare(topology: Topology): Promise<void>;
  /**
   * Stores each message durably, in the order given within a lane. Never rejects: one outcome a message, `undefined`
   * for confirmed. After an error it is unknown whether it was stored, unless the code is `too-large`, `invalid`,
   * `unroutable` (no such queue or group) or `denied`.
   */
  publish(messages: readonly OutgoingMessage[]): Promise<readonly (MessagingError | undefined)[]>;
  /**
   * Starts to deliver, one call a message. Resolves once attached. The group or queue must have been declared.
   * @throws MessagingError `denied` if it may not be consumed, and others
   */
  consume(options: ConsumeOptions, deliver: (delivery: Delivery) => void): Promise<DriverConsumer>;
  /**
   * Reads a log without consuming it. A reader that the retention overtakes fails; it never skips.
   * @throws MessagingError `out-of-range` for a position that is gone or past the head
   */
  read(
    source: { readonly kind: 'stream' | 'dead-letters' },
    options: ReadLogOptions,
  ): AsyncIterable<LogEntry>;
  /** Messages of a group or queue that are not settled, those waiting for a retry included. */
  lag(source: ConsumeOptions['source']): Promise<number>;
  /** What exists for this namespace, without credentials. */
  describe(): Promise<readonly TopologyResource[]>;
  /** Closes its consumers, then the connection. Idempotent, also concurrently; everything afterwards fails with `closed`. */
  close(): Promise<void>;
}
