import './signal.ts';
import { MessagingError } from './errors.ts';

declare const position: unique symbol;

/** A place in the order of all events of a store: opaque, valid in the store it came from. */
export type StorePosition = string & { readonly [position]: true };

const POSITION = /^e(\d{1,15})$/;

export const positionOf = (number: number): StorePosition => `e${number}` as StorePosition;

/** How stores count. @throws MessagingError `invalid` for what no store gave */
export function numberOf(position: StorePosition): number {
  const digits = POSITION.exec(position)?.[1];
  if (digits !== undefined) return Number(digits);
  throw new MessagingError('invalid', `"${position.slice(0, 40)}" is not a position of a store`);
}

/** Of two positions of one store. */
export const isBehind = (one: StorePosition, other: StorePosition): boolean =>
  numberOf(one) < numberOf(other);

/**
 * What a stream has to look like for an append to happen (optimistic concurrency).
 *
 * - a number         its version is exactly this; 0 is a stream that has no event yet
 * - `no-stream`      it has no event yet
 * - `stream-exists`  it has at least one
 * - `any`            whatever it looks like; concurrent appends all succeed, one after the other
 */
export type ExpectedVersion = number | 'no-stream' | 'stream-exists' | 'any';

/** A fact as an aggregate decided it. */
export interface DomainEvent<Type extends string = string, Data = unknown> {
  readonly type: Type;
  /** What JSON can say; `undefined` counts as not there. */
  readonly data: Data;
}

/** An event before it is stored. */
export interface EventToAppend<Type extends string = string, Data = unknown> extends DomainEvent<Type, Data> {
  /**
   * Unique in the store, also after its event was truncated: an append that is made again with the same ids is made once.
   * @default a new one
   */
  readonly id?: string;
  /** Which shape of its type the data has; upcasters bring older ones up. @default the newest */
  readonly schemaVersion?: number;
  /** What is not part of the event. @default correlation, cause and trace of what is being handled */
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** An event with its place in its stream. */
export interface StreamEvent<Type extends string = string, Data = unknown> extends Required<
  EventToAppend<Type, Data>
> {
  readonly stream: string;
  /** 1 for the first of its stream, without holes. */
  readonly version: number;
}

/** An event with its place among all. */
export interface StoredEvent<Type extends string = string, Data = unknown> extends StreamEvent<Type, Data> {
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
  /** Of `of` disjoint parts that together are all streams, this one (from 0): a stream is wholly in one. @default all */
  readonly partition?: { readonly index: number; readonly of: number };
  /** Most events of one batch. @default 500 */
  readonly batchSize?: number;
  /** Go on with what is appended later, instead of ending at the head. @default false */
  readonly follow?: boolean;
  /** Ends the reading, without an error. */
  readonly signal?: AbortSignal;
}

export interface EventBatch {
  /** At least one. */
  readonly events: readonly StoredEvent[];
  /** Reading behind it goes on after this batch. */
  readonly position: StorePosition;
}

/** Brings stored events up to the newest shape of their type; see `@waggle/event-sourcing`. */
export interface Upcasters {
  /** The newest `schemaVersion` of a type; 1 where there was never another. */
  newest(type: string): number;
  /** @throws MessagingError `invalid` for a shape that is newer than this code, or that no upcaster leads on from */
  upcast<Event extends StreamEvent>(event: Event): Event;
}

/** Of one append among several that happen together. */
export interface StreamAppend {
  readonly stream: string;
  readonly events: readonly EventToAppend[];
  readonly expected: ExpectedVersion;
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
 * Append-only streams, one an aggregate, named `<category>-<id>`: the record of what happened, not its transport. Each service
 * has its own. What it takes and gives is isolated, and every event that it gives has been brought up to its newest shape.
 * Safe for concurrent use.
 */
export interface EventStore {
  /**
   * Appends all events or none, and resolves with the new version once they are durable. Of appends that race for the same
   * version one wins. Appending nothing checks the expectation alone. The same ids again change nothing.
   * @throws VersionConflict; MessagingError `invalid` for what cannot be stored, or an id that another event has
   */
  append(
    stream: string,
    events: readonly EventToAppend[],
    expected: ExpectedVersion,
  ): Promise<{ readonly version: number }>;
  /** Several streams together or not at all; versions in the order of `appends`. @throws as `append` */
  appendAll(appends: readonly StreamAppend[]): Promise<readonly { readonly version: number }[]>;
  /** A stream that does not exist is empty. @throws MessagingError `invalid` */
  read(stream: string, range?: StreamRange): Promise<readonly StoredEvent[]>;
  /**
   * Events of all streams of this service, in the order in which they became visible: reading behind the last position again
   * never misses one that was committed late, and keeps the order of each stream. A writer that holds its transaction open
   * delays what was stored after it began, and loses nothing.
   * @throws MessagingError `invalid`
   */
  readAll(options?: ReadAllOptions): AsyncIterable<EventBatch>;
  /** Forgets the events of a stream below `before`. Its version stays; reading begins at what is left. */
  truncate(stream: string, before: number): Promise<void>;
}
