import type { Order } from '../domain/order.ts';
import type { Orders } from '../application/ports.ts';

/** Orders as documents of the store, one a row. */
export function orderRepository(): Orders {
  return {
    find: (tx, orderId) => tx.collection<Order>('orders').get(orderId),
    list: (tx) => tx.collection<Order>('orders').list(),
    save: (tx, order) => tx.collection<Order>('orders').put(order.orderId, order),
  };
}
