import type { ContractHarness } from '../contract/suite/index.ts';
import type { StoreHarness } from '../contract/stores/index.ts';
import type { ServerProduct } from '../servers/server-spec.ts';

/**
 * What an adapter brings for tests: `adapters/<name>/testing/index.ts` exports it as `testing`. The folder is all it takes to be
 * found, so the module itself loads no client library: what needs one imports it when it is called.
 */
export interface AdapterTesting {
  /** The server that it talks to. @default none: it works in this process */
  readonly server?: ServerProduct;
  /** Where it exports `broker`. */
  readonly broker?: BrokerTesting;
  /** Where it exports `store`. */
  readonly store?: StoreTesting;
}

export interface BrokerTesting {
  /** For the contract suite. @param url of a server that others use as well; empty where there is none */
  harness(url: string): Promise<ContractHarness>;
}

export interface StoreTesting {
  /** For the contract suite of stores. @param url of a server that others use as well; empty where there is none */
  harness(url: string): Promise<StoreHarness>;
}
