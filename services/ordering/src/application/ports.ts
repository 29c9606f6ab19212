import type { Transaction } from '@waggle/kernel';
import type { OrderEvent } from '../domain/order-events.ts';
import type { Order, OrderCommand } from '../domain/order.ts';

/** The record of what happened to orders. */
export interface Orders {
  /** Decides, and keeps what happened; `version` counts what has happened to this order so far. */
  handle(
    tx: Transaction,
    orderId: string,
    command: OrderCommand,
  ): Promise<{
    readonly events: readonly OrderEvent[];
    readonly state: Order | undefined;
    readonly version: number;
  }>;
}

/** An order as customers see it. */
export type OrderView = Pick<Order, 'orderId' | 'customerId' | 'total' | 'status' | 'reason'>;

/** Orders to be looked at, a moment behind what happened. */
export interface OrderViews {
  find(orderId: string): Promise<OrderView | undefined>;
  list(): Promise<readonly OrderView[]>;
  /** Whether what happened to an order up to this version can be seen; waits a while for it. */
  hasReached(orderId: string, version: number): Promise<boolean>;
}
