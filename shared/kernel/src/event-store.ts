import { MessagingError } from './errors.ts';

declare const position: unique symbol;

/** A place in the order of all events of a store: opaque, valid in the store it came from. */
export type StorePosition = string & { readonly [position]: true };

/**
 * What a stream has to look like for an append to happen (optimistic concurrency).
 *
 * - a number         its version is exactly this; 0 is a stream that has no event yet
 * - `no-stream`      it has no event yet
 * - `stream-exists`  it has at least one
 * - `any`            whatever it looks like; concurrent appends all succeed, one after the other
 */
export type ExpectedVersion = number | 'no-stream' | 'stream-exists' | 'any';

/** An event as an aggregate decided it, before it is stored. */
export interface EventToAppend<Type extends string = string, Data = unknown> {
  /** Unique in the store. */
  readonly id: string;
  readonly type: Type;
  readonly data: Data;
  /** What is not part of the event: correlation, user, trace. @default nothing */
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** An event with its place in its stream and among all. */
export interface StoredEvent<Type extends string = string, Data = unknown> extends EventToAppend<Type, Data> {
  readonly stream: string;
  /** 1 for the first of its stream, without holes. */
  readonly version: number;
  readonly position: StorePosition;
  /** When it was stored; RFC 3339, UTC. */
  readonly time: string;
}

/** Which events of a stream, and in which order. Versions are inclusive. */
export interface StreamRange {
  /** @default the first version; backwards the last */
  readonly from?: number;
  /** @default the last version; backwards the first */
  readonly to?: number;
  /** Most events. @default all */
  readonly limit?: number;
  /** Newest first. @default false */
  readonly backwards?: boolean;
}

export interface ReadAllOptions {
  /** Begins behind it. @default the beginning */
  readonly after?: StorePosition;
  /** Streams whose name begins with `<category>-`. @default all */
  readonly category?: string;
  /** Most events. @default 1_000 */
  readonly limit?: number;
}

/** Thrown by an append that lost the race, or was mistaken: load again, decide again. */
export class VersionConflict extends MessagingError {
  readonly stream: string;
  readonly expected: ExpectedVersion;
  /** The version of the stream at that moment; 0 where there is none. */
  readonly actual: number;

  constructor(stream: string, expected: ExpectedVersion, actual: number) {
    super(
      'conflict',
      `stream "${stream}" has version ${actual}, expected was ${expected}: load it again, decide again, and append with its version`,
    );
    this.stream = stream;
    this.expected = expected;
    this.actual = actual;
  }
}

/**
 * Append-only streams, one an aggregate, named `<category>-<id>`: the record of what happened, not its transport. What it
 * takes and gives is isolated. Safe for concurrent use.
 */
export interface EventStore {
  /**
   * Appends all events or none, and resolves with the new version once they are durable. Of appends that race for the same
   * version one wins. Appending nothing checks the expectation alone.
   * @throws VersionConflict; MessagingError `invalid` for what cannot be stored, or an id that is taken
   */
  append(
    stream: string,
    events: readonly EventToAppend[],
    expected: ExpectedVersion,
  ): Promise<{ readonly version: number }>;
  /** A stream that does not exist is empty. @throws MessagingError `invalid` */
  read(stream: string, range?: StreamRange): Promise<readonly StoredEvent[]>;
  /**
   * Events of all streams, in the order in which they became visible: reading behind the last position again never misses
   * one that was committed late, and keeps the order of each stream. @throws MessagingError `invalid`
   */
  readAll(options?: ReadAllOptions): Promise<readonly StoredEvent[]>;
}
