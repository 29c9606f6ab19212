import type { SentNotices } from '../application/ports.ts';
import type { Notice } from '../domain/notice.ts';

/** Notices as documents of the store, one an order. */
export function noticeRepository(): SentNotices {
  return {
    find: (tx, orderId) => tx.collection<Notice>('notices').get(orderId),
    list: (tx) => tx.collection<Notice>('notices').list(),
    save: (tx, notice) => tx.collection<Notice>('notices').put(notice.orderId, notice),
  };
}
