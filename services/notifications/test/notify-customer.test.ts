import { recordingTransaction } from '@waggle/kernel/testing';
import { expect, test } from 'vitest';
import { noticeRepository } from '../src/adapters/notice-repository.ts';
import { notifyCustomer } from '../src/application/notify-customer.ts';
import type { Notice } from '../src/domain/notice.ts';

function setting() {
  const delivered: Notice[] = [];
  const deliver = async (notice: Notice): Promise<void> => void delivered.push(notice);
  return { ...recordingTransaction(), delivered, deliver };
}

test('the customer is told, and that is remembered', async () => {
  const { tx, documents, delivered, deliver } = setting();
  await notifyCustomer(noticeRepository(), deliver)(tx, 'o1', 'ada', { status: 'confirmed' });
  expect(delivered).toEqual([
    { orderId: 'o1', customerId: 'ada', text: 'Thank you: your order is confirmed.' },
  ]);
  expect([...documents('notices').values()]).toEqual(delivered);
});

test('a second outcome of the same order is not told', async () => {
  const { tx, delivered, deliver } = setting();
  const notify = notifyCustomer(noticeRepository(), deliver);
  await notify(tx, 'o1', 'ada', { status: 'confirmed' });
  await notify(tx, 'o1', 'ada', { status: 'rejected', reason: 'over-limit' });
  expect(delivered).toHaveLength(1);
});

test('a notice that could not be delivered is not remembered, so that it is tried again', async () => {
  const { tx, documents } = setting();
  const deliver = () => Promise.reject(new Error('mail is down'));
  const notifying = notifyCustomer(noticeRepository(), deliver)(tx, 'o1', 'ada', { status: 'confirmed' });
  await expect(notifying).rejects.toThrow('mail is down');
  expect(documents('notices').size).toBe(0);
});
