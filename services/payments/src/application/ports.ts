import type { Transaction } from '@waggle/kernel';
import type { Payment } from '../domain/payment.ts';

/** Where payments are kept, one an order. */
export interface Payments {
  find(tx: Transaction, orderId: string): Promise<Payment | undefined>;
  list(tx: Transaction): Promise<readonly Payment[]>;
  save(tx: Transaction, payment: Payment): void;
}
