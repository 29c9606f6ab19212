import type { Faults } from '@waggle/adapter-memory';
import { createMemoryBroker, createMemoryDriver } from '@waggle/adapter-memory';
import { orderConfirmed } from '@waggle/contracts/ordering';
import { paymentTaken, type takePayment } from '@waggle/contracts/payments';
import type { CloudEvent } from '@waggle/kernel';
import { virtualClock } from '@waggle/messaging';
import { startHost } from '@waggle/runtime';
import { expect, test } from 'vitest';
import { service } from '../src/service.ts';

const lines = [{ sku: 'honey-jar', quantity: 2, unitPrice: { amountMinor: 1250, currency: 'EUR' } }];
const PURCHASES = 20;

/** What becomes of purchases on a broker with these faults. Minutes of retries take no time: the clock is moved. */
async function purchasesUnder(faults: Faults) {
  const clock = virtualClock();
  const broker = createMemoryBroker({ clock, seed: 7, faults });
  let lastId = 0;
  const host = await startHost({
    services: [service],
    environment: { PORT: '0', LOG_LEVEL: 'silent' },
    driver: (settings) => createMemoryDriver(settings, broker),
    clock,
    ids: { next: () => `id-${++lastId}` },
  });
  // Stands in for payments, and takes every payment that it is asked for.
  let asked = 0;
  const retry = { maxAttempts: 100 };
  await host.messaging.queue.receive({ context: 'payments', retry }, async ({ id, data }) => {
    asked++;
    const { orderId, amount } = data as typeof takePayment.example;
    const answer = { type: paymentTaken.type, data: { orderId, amount }, partitionkey: orderId };
    await host.messaging.events.publish({
      specversion: '1.0',
      id: `re-${id}`,
      source: '/payments',
      ...answer,
    });
  });
  for (let number = 1; number <= PURCHASES; number++) {
    const body = JSON.stringify({ customerId: `customer-${number}`, lines });
    await host.request('/orders', { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  }
  await clock.advance(600_000);
  const orders = (await (await host.request('/orders')).json()) as readonly { customerId: string }[];
  const confirmations: CloudEvent[] = [];
  for await (const { event } of host.messaging.events.read({ types: [orderConfirmed.type] })) {
    confirmations.push(event);
  }
  const deadLetters = await host.messaging.deadLetters.list();
  await host.stop();
  return {
    asked,
    state: orders.map(({ orderId: _, ...order }: { orderId?: string; customerId: string }) => order),
    announced: new Set(confirmations.map(({ id }) => id)).size,
    deadLetters: deadLetters.length,
  };
}

test('a purchase under faults ends in the same state: nothing is lost, and nothing happens twice', async () => {
  const smooth = await purchasesUnder({});
  expect(smooth).toMatchObject({ asked: PURCHASES, announced: PURCHASES, deadLetters: 0 });
  expect(smooth.state).toHaveLength(PURCHASES);
  expect(smooth.state).toContainEqual(
    expect.objectContaining({ customerId: 'customer-1', status: 'confirmed' }),
  );

  const rough = await purchasesUnder({ duplicate: 0.2, dropAck: 0.2, failPublish: 0.2, delayMs: [0, 200] });
  expect(rough.asked).toBeGreaterThan(smooth.asked); // the faults did happen
  expect({ ...rough, asked: undefined }).toEqual({ ...smooth, asked: undefined });
});
