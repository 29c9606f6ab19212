import { orderPlaced, takePayment } from '@waggle/contracts';
import type { Collection, NewMessage, Transaction } from '@waggle/kernel';
import { expect, test } from 'vitest';
import { orderRepository } from '../src/adapters/order-repository.ts';
import { placeOrder } from '../src/application/place-order.ts';

/** A transaction that remembers what it was asked to do. */
function recordingTransaction() {
  const documents = new Map<string, unknown>();
  const published: NewMessage[] = [];
  const sent: NewMessage[] = [];
  const collection = {
    get: async (id: string) => documents.get(id),
    list: async () => [...documents.values()],
    put: (id: string, value: unknown) => void documents.set(id, value),
  };
  const tx: Transaction = {
    collection: <Value>() => collection as Collection<Value>,
    publish: (...events) => void published.push(...events),
    send: (...commands) => void sent.push(...commands),
  };
  return { tx, documents, published, sent };
}

test('placing an order saves it, announces it and asks for its payment, all in one transaction', async () => {
  const { tx, documents, published, sent } = recordingTransaction();
  const lines = [{ sku: 'honey-jar', quantity: 2, unitPrice: { amountMinor: 1250, currency: 'EUR' } }];
  const total = { amountMinor: 2500, currency: 'EUR' };

  const order = await placeOrder(orderRepository(), { next: () => 'o1' })(tx, { customerId: 'ada', lines });

  expect(order).toEqual({ orderId: 'o1', customerId: 'ada', lines, total, status: 'awaiting-payment' });
  expect(documents.get('o1')).toEqual(order);
  expect(published).toEqual([orderPlaced({ orderId: 'o1', customerId: 'ada', lines, total })]);
  expect(sent).toEqual([takePayment({ orderId: 'o1', customerId: 'ada', amount: total })]);
});

test('an order that breaks a rule leaves no trace', async () => {
  const { tx, documents, published, sent } = recordingTransaction();
  const placing = placeOrder(orderRepository(), { next: () => 'o1' })(tx, { customerId: 'ada', lines: [] });
  await expect(placing).rejects.toThrow('at least one line');
  expect([documents.size, published.length, sent.length]).toEqual([0, 0, 0]);
});
