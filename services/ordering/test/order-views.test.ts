import { project } from '@waggle/event-sourcing/testing';
import { expect, test } from 'vitest';
import { orderViews } from '../src/adapters/order-views.ts';
import type { OrderEvent } from '../src/domain/order-events.ts';

const who = { orderId: 'o1', customerId: 'ada' };
const total = { amountMinor: 2500, currency: 'EUR' };
const placed: OrderEvent = { type: 'placed', data: { ...who, lines: [], total } };

test('a placed order can be seen, without its lines', async () => {
  const { views } = await project(orderViews, 'order-o1', placed);
  expect(views.get('o1')).toEqual({ ...who, total, status: 'awaiting-payment' });
});

test('what became of it can be seen', async () => {
  const confirmed: OrderEvent = { type: 'confirmed', data: who };
  const rejected: OrderEvent = { type: 'rejected', data: { ...who, reason: 'over-limit' } };
  const one = await project(orderViews, 'order-o1', placed, confirmed);
  expect(one.views.get('o1')).toMatchObject({ status: 'confirmed' });
  const other = await project(orderViews, 'order-o1', placed, rejected);
  expect(other.views.get('o1')).toMatchObject({ status: 'rejected', reason: 'over-limit' });
});
