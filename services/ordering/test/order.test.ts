import { given as givenOf, stateAfter } from '@waggle/event-sourcing/testing';
import { describe, expect, test } from 'vitest';
import type { OrderEvent } from '../src/domain/order-events.ts';
import type { OrderCommand, OrderLine } from '../src/domain/order.ts';
import { order } from '../src/domain/order.ts';

const line = (quantity: number, amountMinor: number, currency = 'EUR'): OrderLine => ({
  sku: 'honey-jar',
  quantity,
  unitPrice: { amountMinor, currency },
});
const place = (...lines: readonly OrderLine[]): OrderCommand => ({
  type: 'place',
  orderId: 'o1',
  customerId: 'ada',
  lines,
});
const placed: OrderEvent = {
  type: 'placed',
  data: {
    orderId: 'o1',
    customerId: 'ada',
    lines: [line(2, 1250)],
    total: { amountMinor: 2500, currency: 'EUR' },
  },
};
const who = { orderId: 'o1', customerId: 'ada' };
const confirmed: OrderEvent = { type: 'confirmed', data: who };
const rejected: OrderEvent = { type: 'rejected', data: { ...who, reason: 'over-limit' } };

const given = givenOf(order);

describe('placing', () => {
  test('adds up the lines', () =>
    given()
      .when(place(line(2, 1250)))
      .happens(placed));
  test('a second time changes nothing', () =>
    given(placed)
      .when(place(line(1, 1)))
      .happens());
  test('needs a line', () => given().when(place()).isRefused('an order needs at least one line'));
  test('needs one currency', () =>
    given()
      .when(place(line(1, 1), line(1, 1, 'USD')))
      .isRefused('all lines need the same currency'));
  test('refuses a total that cannot be counted exactly', () =>
    given()
      .when(place(line(2, Number.MAX_SAFE_INTEGER)))
      .isRefused('the total is too large'));
});

describe('settling', () => {
  test('confirms an order that waits for its payment', () =>
    given(placed).when({ type: 'confirm' }).happens(confirmed));
  test('rejects it with a reason', () =>
    given(placed).when({ type: 'reject', reason: 'over-limit' }).happens(rejected));
  test('happens once: what is confirmed stays so', () =>
    given(placed, confirmed).when({ type: 'reject', reason: 'over-limit' }).happens());
  test('happens once: what is rejected stays so', () =>
    given(placed, rejected).when({ type: 'confirm' }).happens());
  test('needs an order', () => given().when({ type: 'confirm' }).isRefused('there is no such order'));
});

test('an order shows what became of it', () => {
  const after = (...events: readonly OrderEvent[]) => stateAfter(order, ...events);
  expect(after()).toBeUndefined();
  expect(after(placed)).toMatchObject({ status: 'awaiting-payment', total: { amountMinor: 2500 } });
  expect(after(placed, confirmed)).toMatchObject({ status: 'confirmed' });
  expect(after(placed, rejected)).toMatchObject({ status: 'rejected', reason: 'over-limit' });
  expect(() => after(confirmed)).toThrow('cannot begin with "confirmed"');
});
