import { orderConfirmed, orderRejected } from '@waggle/contracts';
import type { Transaction } from '@waggle/kernel';
import type { OrderCommand } from '../domain/order.ts';
import { decide, evolve } from '../domain/order.ts';
import type { Orders } from './ports.ts';

export type Settlement = Extract<OrderCommand, { type: 'confirm' | 'reject' }>;
export type SettleOrder = (tx: Transaction, orderId: string, settlement: Settlement) => Promise<void>;

/** Confirms or rejects the order, depending on what became of its payment. */
export function settleOrder(orders: Orders): SettleOrder {
  return async (tx, orderId, settlement) => {
    let order = await orders.find(tx, orderId);
    for (const event of decide(settlement, order)) {
      order = evolve(order, event);
      orders.save(tx, order);
      if (event.type === 'confirmed') tx.publish(orderConfirmed({ orderId, customerId: event.customerId }));
      if (event.type === 'rejected') {
        tx.publish(orderRejected({ orderId, customerId: event.customerId, reason: event.reason }));
      }
    }
  };
}
