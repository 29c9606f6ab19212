import { orderPlaced } from '@waggle/contracts/ordering';
import { takePayment } from '@waggle/contracts/payments';
import { recordingTransaction } from '@waggle/kernel/testing';
import { expect, test } from 'vitest';
import { orderRepository } from '../src/adapters/order-repository.ts';
import { placeOrder } from '../src/application/place-order.ts';

test('placing an order records it, announces it and asks for its payment, all in one transaction', async () => {
  const { tx, events, published, sent } = recordingTransaction();
  const lines = [{ sku: 'honey-jar', quantity: 2, unitPrice: { amountMinor: 1250, currency: 'EUR' } }];
  const total = { amountMinor: 2500, currency: 'EUR' };

  const place = placeOrder(orderRepository(), { next: () => 'o1' });
  const { order, version } = await place(tx, { customerId: 'ada', lines });

  expect(order).toEqual({ orderId: 'o1', customerId: 'ada', lines, total, status: 'awaiting-payment' });
  expect(version).toBe(1);
  expect(events('order-o1')).toEqual([
    { type: 'placed', data: { orderId: 'o1', customerId: 'ada', lines, total } },
  ]);
  expect(published).toEqual([orderPlaced({ orderId: 'o1', customerId: 'ada', lines, total })]);
  expect(sent).toEqual([takePayment({ orderId: 'o1', customerId: 'ada', amount: total })]);
});

test('an order that breaks a rule leaves no trace', async () => {
  const { tx, events, published, sent } = recordingTransaction();
  const placing = placeOrder(orderRepository(), { next: () => 'o1' })(tx, { customerId: 'ada', lines: [] });
  await expect(placing).rejects.toThrow('at least one line');
  expect([events('order-o1').length, published.length, sent.length]).toEqual([0, 0, 0]);
});
