import type { BrokerDriver, DriverSettings, Store, StoreSettings } from '@waggle/messaging';
import type { Environment } from '@waggle/runtime';
import type { Place } from '../bench/rig.ts';
import type { RelayTarget, StorePlace } from '../bench/store-place.ts';
import type { CommitSteps } from '../chaos/commit-steps.ts';
import type { ContractHarness } from '../contract/suite/index.ts';
import type { StoreHarness } from '../contract/stores/index.ts';
import type { PrivateServer } from '../servers/private-server.ts';
import type { ServerProduct } from '../servers/server-spec.ts';
import type { ForeignClient, RawPublisher } from './raw-clients.ts';

export type { Contest, Counts } from '../bench/contest.ts';
export type { Place, UsualClient } from '../bench/rig.ts';
export type { RelayTarget, StorePlace } from '../bench/store-place.ts';
export type { CommitStep, CommitSteps } from '../chaos/commit-steps.ts';
export type { ForeignClient, ForeignMessage, RawPublisher } from './raw-clients.ts';

/**
 * What an adapter brings for tests: `adapters/<name>/testing/index.ts` exports it as `testing`. The folder is all it takes to be
 * found, so the module itself loads no client library: what needs one imports it when it is called. Only a harness has to be
 * there; tests and measurements that want more leave out who does not have it.
 */
export interface AdapterTesting {
  /** The server that it talks to. @default none: it works in this process */
  readonly server?: ServerProduct;
  /** Where it exports `broker`. */
  readonly broker?: BrokerTesting;
  /** Where it exports `store`. */
  readonly store?: StoreTesting;
}

/** `url` is that of a server which others use as well; empty where there is none. */
export interface BrokerTesting {
  /** For the contract suite. */
  harness(url: string): Promise<ContractHarness>;
  /** For whole systems, on servers, and processes that are killed. */
  readonly use?: BrokerUse;
  /** The broker's own client, which knows of Waggle what `docs/wire.md` says: publishes. For the time a recovery takes. @param timeoutMs of a publish, where the client has one @default 1000 */
  rawPublisher?(url: string, namespace: string, timeoutMs?: number): Promise<RawPublisher>;
  /** The same, in the place of a service. */
  foreignClient?(url: string, namespace: string, lanes: number): Promise<ForeignClient>;
  /** For benchmarks: ours beside the usual client. */
  place?(url: string): Promise<Place>;
}

export interface BrokerUse {
  /** What tells a host where the server is. */
  environment(url: string): Readonly<Record<string, string>>;
  /** As `module.ts` makes them, with what is not said left as it is. */
  drivers(url: string): Promise<(settings: DriverSettings) => BrokerDriver>;
  /** Removes what a namespace has on the server. What is not there is no matter. */
  sweep(url: string, namespace: string, left: Left): Promise<void>;
  /** Names of all that was made on a server of our own, to see that nothing is left. */
  listing?(server: PrivateServer): Promise<string>;
}

/** What a namespace may have, where the broker does not tell. */
export interface Left {
  /** `grp.<group>` and `cmd.<context>`. */
  readonly sources: Iterable<string>;
  readonly lanes: number;
  /** The delays, in milliseconds, after which something was retried. @default any */
  readonly delays?: Iterable<number>;
}

export interface StoreTesting {
  /** For the contract suite of stores. */
  harness(url: string): Promise<StoreHarness>;
  /** For whole systems, and processes that are killed. */
  readonly use?: StoreUse;
  /** For benchmarks. @param relayTarget starts a broker, where there is one, for what an outbox is relayed to */
  place?(url: string, relayTarget: () => Promise<RelayTarget | undefined>): Promise<StorePlace>;
}

export interface StoreUse {
  /** Where a namespace of its own may be kept. */
  settle(url: string, namespace: string): Promise<Settlement>;
  /** What tells a host to keep it in this folder, where the next one finds it. @default it is kept on a server */
  keptIn?(folder: string): Readonly<Record<string, string>>;
  /** As `module.ts` makes it of this environment, with what is not said left as it is. */
  store(environment: Environment, settings: StoreSettings): Promise<Store>;
  /** Where a process can be killed inside of a commit. @default nowhere */
  readonly commitSteps?: CommitSteps;
}

export interface Settlement {
  /** What tells a host where it is. */
  readonly environment: Readonly<Record<string, string>>;
  /** Removes what is kept there. */
  sweep(): Promise<void>;
}
