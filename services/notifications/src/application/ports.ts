import type { Transaction } from '@waggle/kernel';
import type { Notice } from '../domain/notice.ts';

/** The notices that were sent, one an order. */
export interface SentNotices {
  find(tx: Transaction, orderId: string): Promise<Notice | undefined>;
  list(tx: Transaction): Promise<readonly Notice[]>;
  save(tx: Transaction, notice: Notice): void;
}

/** The way to the customer. May be called again for the same notice. */
export type Messenger = (notice: Notice) => Promise<void>;
