import { orderPlaced, takePayment } from '@waggle/contracts';
import type { Ids, Transaction } from '@waggle/kernel';
import type { Order, OrderLine } from '../domain/order.ts';
import { decide, evolve } from '../domain/order.ts';
import type { Orders } from './ports.ts';

export interface OrderRequest {
  readonly customerId: string;
  readonly lines: readonly OrderLine[];
}

export type PlaceOrder = (tx: Transaction, request: OrderRequest) => Promise<Order>;

/** Accepts the order, announces it and asks for its payment. */
export function placeOrder(orders: Orders, ids: Ids): PlaceOrder {
  return async (tx, request) => {
    const placed = decide({ type: 'place', orderId: ids.next(), ...request }, undefined);
    const order = placed.reduce<Order | undefined>(evolve, undefined);
    if (order === undefined) throw new Error('placing an order always makes one');
    const { orderId, customerId, lines, total } = order;
    orders.save(tx, order);
    tx.publish(orderPlaced({ orderId, customerId, lines: [...lines], total }));
    tx.send(takePayment({ orderId, customerId, amount: total }));
    return order;
  };
}
