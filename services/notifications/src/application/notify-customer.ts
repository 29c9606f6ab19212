import type { Transaction } from '@waggle/kernel';
import type { Outcome } from '../domain/notice.ts';
import { noticeOf } from '../domain/notice.ts';
import type { Messenger, SentNotices } from './ports.ts';

export type NotifyCustomer = (
  tx: Transaction,
  orderId: string,
  customerId: string,
  outcome: Outcome,
) => Promise<void>;

/** Tells the customer what became of the order, and remembers that. */
export function notifyCustomer(notices: SentNotices, deliver: Messenger): NotifyCustomer {
  return async (tx, orderId, customerId, outcome) => {
    if ((await notices.find(tx, orderId)) !== undefined) return;
    const notice = noticeOf(orderId, customerId, outcome);
    await deliver(notice);
    notices.save(tx, notice);
  };
}
