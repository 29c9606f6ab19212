import type { Payments } from '../application/ports.ts';
import type { Payment } from '../domain/payment.ts';

/** Payments as documents of the store, one an order. */
export function paymentRepository(): Payments {
  return {
    find: (tx, orderId) => tx.collection<Payment>('payments').get(orderId),
    list: (tx) => tx.collection<Payment>('payments').list(),
    save: (tx, payment) => tx.collection<Payment>('payments').put(payment.orderId, payment),
  };
}
