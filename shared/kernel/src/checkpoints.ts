import type { StorePosition } from './event-store.ts';
import type { Transaction } from './unit-of-work.ts';

/** How far a reader of the event store is. */
export interface Checkpoint {
  /** `undefined` at the beginning. */
  readonly position: StorePosition | undefined;
  /** The highest epoch that has written it; 0 for none. */
  readonly epoch: number;
}

/** Places of readers, moved in the transaction of what they made of the events. */
export interface Checkpoints {
  get(tx: Transaction, name: string): Promise<Checkpoint>;
  /**
   * Compare and set, at commit: moves the checkpoint from `from` to `to`, unless somebody moved it meanwhile or a holder with
   * a later epoch has written it (fencing).
   * @throws MessagingError `conflict`
   */
  advance(
    tx: Transaction,
    name: string,
    step: {
      readonly from: StorePosition | undefined;
      readonly to: StorePosition | undefined;
      readonly epoch: number;
    },
  ): Promise<void>;
}
