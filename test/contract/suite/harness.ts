import type { BrokerDriver, DriverSettings, IncomingMessage, OutgoingMessage } from '@waggle/messaging';
import type { Secured } from './secured.ts';

export type * from './secured.ts';

/** What a test asks of a driver; the harness fills in the rest and its own, such as the URL. */
export type SettingsOverrides = Partial<DriverSettings> & Pick<DriverSettings, 'namespace'>;

/** A way to the server that the test can interrupt, its own alone. Everything but `driver` acts on connections through it. */
export interface Link {
  driver(settings: SettingsOverrides): BrokerDriver;
  /** Nothing answers there any more, and what was connected is cut off: new connections end at once, or are refused. */
  cut(how?: 'reset' | 'refuse'): Promise<void>;
  /** It answers again. */
  restore(): Promise<void>;
  /** Connections stay and carry nothing, as when the other side hangs. */
  stall(): void;
  resume(): void;
  /** Connections are closed once; new ones are let through at once. */
  dropConnections(): void;
  /** The server ends every channel, or what comes nearest to one, and no connection. */
  closeChannels(): Promise<void>;
  /** Somebody ends, on the server, what consumes for a group; what the group has not settled stays. */
  deleteConsumer(namespace: string, group: string): Promise<void>;
  /** How many consumers of a group the server counts, in units of its own: the same before and after if nothing leaks. */
  consumers(namespace: string, group: string): Promise<number>;
  /** Bytes that have come from the server so far. */
  received(): number;
  /** Resolves when somebody next tries to connect, whether let through or not; not where connections are refused. */
  attempted(): Promise<void>;
  close(): Promise<void>;
}

/**
 * A server that nobody else uses. Its drivers find it at the same place after a restart. Where starting takes long, one may
 * serve many tests, one after the other.
 */
export interface PrivateServer {
  driver(settings: SettingsOverrides): BrokerDriver;
  /** Stops it in an orderly way, if it runs, and starts it again with what it stored. Resolves once it answers. */
  restart(): Promise<void>;
  /** Ends it without warning and keeps what it stored; `restart` brings it back. */
  kill(): Promise<void>;
  /** The test has done with it. */
  close(): Promise<void>;
}

/** A message as it stands on the wire. */
export type ForeignMessage = Pick<OutgoingMessage, 'type' | 'lane' | 'contentType' | 'headers' | 'body'>;

/** What a client in another language does, with the broker's own client library and `docs/wire.md`. */
export interface ForeignClient {
  /** `headers` stand in the transport as they are. */
  publish(message: ForeignMessage): Promise<void>;
  /** The first message of the stream, with the transport's own names of headers. */
  first(): Promise<Pick<IncomingMessage, 'headers' | 'body' | 'contentType'>>;
  /** The attribute headers of binary mode, in each spelling that this transport's binding knows. */
  binaryHeaders(attributes: Readonly<Record<string, string>>): readonly Readonly<Record<string, string>>[];
  close(): Promise<void>;
}

/** A driver that the server knows but does not let do everything. */
export interface Restricted {
  /** May do everything but publish to the namespace's stream. */
  publisher(settings: SettingsOverrides): BrokerDriver;
  /** Comes with a wrong password, or none where one is needed. */
  intruder(settings: SettingsOverrides): BrokerDriver;
  close(): Promise<void>;
}

/**
 * What a test needs to do to an adapter from outside. One that an adapter neither has nor declares to be impossible makes
 * its tests fail: a gap is seen, never skipped.
 */
export interface FaultHooks {
  /** For the clauses of A, C, E, G, H and J: the server is down, hangs, closes what it wants, and is watched. */
  link(): Promise<Link>;
  /** For H and K: the server restarts or is killed. */
  privateServer(): Promise<PrivateServer>;
  /** For C: the wire format seen by a stranger. */
  foreign(namespace: string): Promise<ForeignClient>;
  /** For J and C. */
  restricted(): Promise<Restricted>;
  /** For Q. */
  secured(): Promise<Secured>;
}

/**
 * What a broker truly cannot do; its test then asserts the documented alternative.
 *
 * - `never-late`        its confirmation comes without leaving the process, and cannot be waited for in vain
 * - `no-foreign-client` nothing but this driver can reach it: what a foreign client would write is written through the driver
 * - `release-counts`    handing back counts as a delivery: attempts are an upper bound after a shutdown
 * - `keeps-for-groups`  a group that attached at what is new skips nothing: the broker keeps it until it is handled
 * - `missed-is-a-bound` how much a group skipped is known only as an upper bound
 * - `no-tls`            nothing leaves the process that could be heard: there are no certificates to be wrong
 * - `held-by-lease`     what is held is held by its lease, not by its connection: a settlement on the next connection counts
 */
export type Declaration =
  | 'never-late'
  | 'no-foreign-client'
  | 'release-counts'
  | 'keeps-for-groups'
  | 'missed-is-a-bound'
  | 'no-tls'
  | 'held-by-lease';

export interface Limits {
  /** How long a test waits for what must happen. Never waited for in the green case. */
  readonly deadlineMs: number;
  /** The shortest `leaseMs` with which the adapter is stable on a busy machine. */
  readonly leaseMs: number;
}

/** Everything the suite needs to know of an adapter. */
export interface ContractHarness {
  readonly name: string;
  readonly limits: Limits;
  /** With the reason, for the matrix. */
  readonly declares: Readonly<Partial<Record<Declaration, string>>>;
  /** A new driver, not open, on the one server of the harness. */
  driver(settings: SettingsOverrides): BrokerDriver;
  /** Headers that belong to the broker or its client; they must be refused. */
  readonly reservedHeaders: readonly string[];
  /** What must never be seen in a log, an error or the described topology: the passwords of the connections it makes. */
  readonly secrets: readonly string[];
  readonly faults: Partial<FaultHooks>;
  /** Of what happens by chance, to have a failure again. @default another one each time, printed with the failure */
  readonly seed?: number;
  /** Removes everything of a namespace from the server. */
  sweep?(namespace: string): Promise<void>;
  close(): Promise<void>;
}

/** A hook that the test cannot do without. @throws Error that says what is missing */
export function hook<Name extends keyof FaultHooks>(harness: ContractHarness, name: Name): FaultHooks[Name] {
  const found = harness.faults[name];
  if (found === undefined) {
    throw new Error(
      `the harness of ${harness.name} has no hook "${name}": provide it, see test/contract/README.md`,
    );
  }
  return found;
}

/** A link that ends with the test. */
export async function openLink(bench: {
  readonly harness: ContractHarness;
  atEnd(cleanup: () => Promise<unknown>): void;
}): Promise<Link> {
  const link = await hook(bench.harness, 'link')();
  bench.atEnd(() => link.close());
  return link;
}
