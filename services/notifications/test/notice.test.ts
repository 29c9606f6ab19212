import { expect, test } from 'vitest';
import { noticeOf } from '../src/domain/notice.ts';

test('given a confirmed order, the customer is thanked', () => {
  const { text } = noticeOf('o1', 'ada', { status: 'confirmed' });
  expect(text).toBe('Thank you: your order is confirmed.');
});

test('given a rejected order, the customer is told why', () => {
  const { text } = noticeOf('o1', 'ada', { status: 'rejected', reason: 'over-limit' });
  expect(text).toBe('We are sorry: your order was rejected (over-limit).');
});
