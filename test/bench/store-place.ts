import type { BrokerUse, RawPublisher } from '../adapters/adapter-testing.ts';
import type { Contest } from './contest.ts';

/** A store to measure. */
export interface StorePlace {
  /** What it is, with its version. */
  readonly server: string;
  /** @param rows of what makes no difference, in each table */
  contests(count: number, rows: number): readonly Contest[];
  /** Leaves nothing behind. */
  close(): Promise<void>;
}

/** A broker for what outboxes are relayed to. */
export interface RelayTarget {
  /** As people call it. */
  readonly name: string;
  readonly url: string;
  readonly use: BrokerUse;
  rawPublisher(url: string, namespace: string, timeoutMs?: number): Promise<RawPublisher>;
}
