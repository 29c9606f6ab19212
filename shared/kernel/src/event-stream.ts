import './signal.ts';
import type { CloudEvent } from './cloud-event.ts';
import type { Consumer, ConsumerOptions, Handler } from './consumer.ts';

declare const cursor: unique symbol;

/** A position in an event stream: opaque, comparable for equality only, valid on the broker it came from. */
export type Cursor = string & { readonly [cursor]: true };

/** Where to begin. A cursor means after it. Of a group it counts when the group is first created. */
export type StartPosition = 'beginning' | 'new' | { readonly after: Cursor };

/** What a consumer group asks for. */
export interface Subscription extends ConsumerOptions {
  /** `<service>.<handler>`; members with the same group share the load. */
  readonly group: string;
  /** Types, `<context>.*` or `*`. */
  readonly types: readonly string[];
  /** @default 'new' */
  readonly from?: StartPosition;
  /**
   * `by-key`: the first handlings of a key's events follow publish order, never two at once, across members and retries.
   * `none`: no order, more throughput. Fixed when the group is created. @default 'by-key'
   */
  readonly ordering?: 'by-key' | 'none';
  /** What becomes of an event that `types` asks for and no contract declares. @default 'skip' */
  readonly unhandled?: 'skip' | 'dead-letter';
  /**
   * What becomes of the later events of a lane when one of it became a dead letter. `halt`: they wait until that is redriven,
   * which handles it in its place, or discarded, also across restarts; what became of it is looked at after each delay of
   * `retry`, so within `retry.maxDelayMs`. Needs `ordering: 'by-key'`; events without a key wait for nothing.
   * @default 'continue'
   */
  readonly afterDeadLetter?: 'continue' | 'halt';
}

/** An event with its place in the stream. */
export interface Recorded {
  readonly event: CloudEvent;
  readonly cursor: Cursor;
}

export interface ReadOptions {
  /** @default 'beginning' */
  readonly from?: StartPosition;
  /** Types, `<context>.*` or `*`. @default everything */
  readonly types?: readonly string[];
  /** Go on with what is published later, instead of ending at the head. @default false */
  readonly follow?: boolean;
  /** Ends the reading, without an error. */
  readonly signal?: AbortSignal;
}

/** The events of a namespace: a queue with retention. Events stay, bounded, and can be read again. */
export interface EventStream {
  /**
   * Joins a consumer group; creates it if need be. Resolves once attached: what is published afterwards arrives.
   * @throws MessagingError `invalid`, `conflict`, `denied`, `unavailable`, `closed`, `out-of-range`
   */
  subscribe(subscription: Subscription, handler: Handler): Promise<Consumer>;
  /** Reads for oneself alone, without a group; what cannot be decoded is passed over. @throws MessagingError */
  read(options?: ReadOptions): AsyncIterable<Recorded>;
  /**
   * Resolves once every event is durably held by the broker. For the outbox relay and for tools: business code publishes
   * through its unit of work. Events with the same key keep the order of the arguments.
   * @throws MessagingError with `failed`, each event that was not confirmed
   */
  publish(...events: readonly CloudEvent[]): Promise<void>;
}
