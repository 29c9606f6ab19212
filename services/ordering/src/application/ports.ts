import type { Transaction } from '@waggle/kernel';
import type { Order } from '../domain/order.ts';

/** Where orders are kept. */
export interface Orders {
  find(tx: Transaction, orderId: string): Promise<Order | undefined>;
  list(tx: Transaction): Promise<readonly Order[]>;
  save(tx: Transaction, order: Order): void;
}
