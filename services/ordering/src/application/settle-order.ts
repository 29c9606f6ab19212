import { orderConfirmed, orderRejected } from '@waggle/contracts/ordering';
import type { Transaction } from '@waggle/kernel';
import type { OrderCommand } from '../domain/order.ts';
import type { Orders } from './ports.ts';

export type Settlement = Extract<OrderCommand, { type: 'confirm' | 'reject' }>;
export type SettleOrder = (tx: Transaction, orderId: string, settlement: Settlement) => Promise<void>;

/** Confirms or rejects the order, depending on what became of its payment. */
export function settleOrder(orders: Orders): SettleOrder {
  return async (tx, orderId, settlement) => {
    const { events } = await orders.handle(tx, orderId, settlement);
    for (const { type, data } of events) {
      if (type === 'confirmed') tx.publish(orderConfirmed(data));
      if (type === 'rejected') tx.publish(orderRejected(data));
    }
  };
}
