import { expect, test } from 'vitest';
import { decide } from '../src/domain/payment.ts';

const request = (amountMinor: number) => ({
  orderId: 'o1',
  customerId: 'ada',
  amount: { amountMinor, currency: 'EUR' },
});
const rules = { limitMinor: 1000 };

test.each([
  [0, { status: 'taken' }],
  [1000, { status: 'taken' }],
  [1001, { status: 'declined', reason: 'over-limit' }],
])('given a limit of 1000, a payment of %i is %o', (amountMinor, decision) => {
  expect(decide(request(amountMinor), rules)).toEqual(decision);
});
