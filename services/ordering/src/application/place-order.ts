import { orderPlaced } from '@waggle/contracts/ordering';
import { takePayment } from '@waggle/contracts/payments';
import type { Ids, Transaction } from '@waggle/kernel';
import type { Order, OrderLine } from '../domain/order.ts';
import type { Orders } from './ports.ts';

export interface OrderRequest {
  readonly customerId: string;
  readonly lines: readonly OrderLine[];
}

export interface PlacedOrder {
  readonly order: Order;
  /** What a query can wait for. */
  readonly version: number;
}

export type PlaceOrder = (tx: Transaction, request: OrderRequest) => Promise<PlacedOrder>;

/** Accepts the order, announces it and asks for its payment. */
export function placeOrder(orders: Orders, ids: Ids): PlaceOrder {
  return async (tx, request) => {
    const id = ids.next();
    const { state: order, version } = await orders.handle(tx, id, {
      type: 'place',
      orderId: id,
      ...request,
    });
    if (order === undefined) throw new Error('placing an order always makes one');
    const { orderId, customerId, lines, total } = order;
    tx.publish(orderPlaced({ orderId, customerId, lines: [...lines], total }));
    tx.send(takePayment({ orderId, customerId, amount: total }));
    return { order, version };
  };
}
