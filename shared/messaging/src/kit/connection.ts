import type { Clock, MessagingError, Random } from '@waggle/kernel';
import type {
  ConsumeOptions,
  Delivery,
  DriverConsumer,
  LogEntry,
  OutgoingMessage,
  Topology,
  TopologyResource,
} from '../driver.ts';

/** `undefined` for confirmed. */
export type Outcome = MessagingError | undefined;

/** Which log: that of the events, or that of the dead letters. */
export type LogKind = 'stream' | 'dead-letters';

export interface Attaching {
  /**
   * To be called when the server ends this consumer and the connection lives on: it is declared and attached again. Only
   * the first call counts, and one that comes before `consume` has resolved counts from then on.
   */
  readonly ended: (reason: unknown) => void;
  /** What `consume` returned the last time, if this consumer was attached before: it may be taken over from. */
  readonly previous: DriverConsumer | undefined;
}

export interface Reading {
  /** The last entry that was read, or that was there at the beginning; `undefined` for the whole log, or before it began. */
  readonly after: string | undefined;
  /**
   * Whether this reader was at `after` before: it need not be kept any more, as long as nothing behind it is missing. Without
   * an `after`, it was there before the first entry was.
   */
  readonly resumed: boolean;
  /** The last entry to be read, if it is still kept: behind it the reading ends. `undefined`: it goes on for ever. */
  readonly until: string | undefined;
  /** Aborts when the reader leaves, the connection is lost or the driver is closed: the reading ends. */
  readonly signal: AbortSignal;
}

/**
 * One connection to a broker, used until it is lost and never mended: another takes its place. What is common to all
 * brokers is done by `createDriver`, on whose behalf these methods are called, only while the connection is up and with what
 * has been checked. What they throw goes through `translate`.
 */
export interface BrokerConnection {
  /** As in the driver port. @default false */
  readonly releaseCounts?: boolean;
  /**
   * Whether the broker takes nothing for now, as one does that runs out of disk. What is published then waits under its
   * deadline, and is never sent once that is over. @default false
   */
  readonly isBlocked?: boolean;
  /** Creates what does not exist yet, where this process left off if it knows; safe from many processes at once. */
  declare(topology: Required<Topology>): Promise<void>;
  /** Sends at once, in the order of the calls. `confirm` is called once, unless the connection is lost before. */
  publish(message: OutgoingMessage, confirm: (outcome: Outcome) => void): void;
  /** Resolves once attached. Its `close` resolves soon, also when the connection is lost. */
  consume(
    options: ConsumeOptions,
    deliver: (delivery: Delivery) => void,
    attaching: Attaching,
  ): Promise<DriverConsumer>;
  /** The position of the last entry of a log; `undefined` if it never had one. */
  head(log: LogKind): Promise<string | undefined>;
  /** Entries in their order. @throws MessagingError `out-of-range` if `after` is not kept or past the head, `invalid` */
  read(log: LogKind, reading: Reading): AsyncIterable<LogEntry>;
  lag(source: ConsumeOptions['source']): Promise<number>;
  describe(): Promise<readonly TopologyResource[]>;
  /** Ends it. A call of `lost` is not heard from then on. Never rejects. */
  close(): Promise<void>;
}

/** What an adapter gives to `createDriver`: how to connect to its broker, and how to understand what goes wrong. */
export interface Connector {
  /** Begins every error message, in brackets. */
  readonly name: string;
  /** Header names that belong to the broker or to this adapter, besides those that begin with `waggle-`. @default none */
  readonly reservedHeaders?: RegExp;
  /** @default the system's, whose timers keep the process alive */
  readonly clock?: Clock;
  /** Spreads the attempts to connect and to attach again. @default Math.random */
  readonly random?: Random;
  /**
   * One attempt. Checks the version and the limits of the server, and declares the stream and the dead letters, on every
   * connection anew. Calls `lost` once when the connection has ended from the other side, and `unblocked` whenever the
   * broker takes messages again.
   */
  connect(lost: (reason: unknown) => void, unblocked: () => void): Promise<BrokerConnection>;
  /** Calls back once when connecting would succeed; returns what stops that. @default tried again after a while, ever longer */
  whenReachable?(action: () => void): () => void;
  /** The client's errors in Waggle's words. `what` says what was being done. Never tells credentials. */
  translate(error: unknown, what: string): MessagingError;
}
