import { paymentDeclined, paymentTaken } from '@waggle/contracts/payments';
import { recordingTransaction } from '@waggle/kernel/testing';
import { expect, test } from 'vitest';
import { paymentRepository } from '../src/adapters/payment-repository.ts';
import { takePayment } from '../src/application/take-payment.ts';

const take = takePayment(paymentRepository(), { limitMinor: 1000 });
const request = (amountMinor: number) => ({
  orderId: 'o1',
  customerId: 'ada',
  amount: { amountMinor, currency: 'EUR' },
});

test('a payment within the limit is kept and announced', async () => {
  const { tx, documents, published } = recordingTransaction();
  await take(tx, request(1000));
  expect(documents('payments').get('o1')).toEqual({ ...request(1000), status: 'taken' });
  expect(published).toEqual([paymentTaken({ orderId: 'o1', amount: request(1000).amount })]);
});

test('a payment over the limit is kept as declined, and announced with the reason', async () => {
  const { tx, documents, published } = recordingTransaction();
  await take(tx, request(1001));
  expect(documents('payments').get('o1')).toEqual({
    ...request(1001),
    status: 'declined',
    reason: 'over-limit',
  });
  expect(published).toEqual([
    paymentDeclined({ orderId: 'o1', amount: request(1001).amount, reason: 'over-limit' }),
  ]);
});

test('a second request for the same order changes nothing and says nothing, whatever its amount', async () => {
  const { tx, documents, published } = recordingTransaction();
  await take(tx, request(1001));
  await take(tx, request(1));
  expect(documents('payments').get('o1')).toMatchObject({ status: 'declined' });
  expect(published).toHaveLength(1);
});
