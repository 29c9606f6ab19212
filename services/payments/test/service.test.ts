import { paymentDeclined, paymentTaken, takePayment } from '@waggle/contracts/payments';
import type { CloudEvent } from '@waggle/kernel';
import type { Host } from '@waggle/runtime';
import { startHost } from '@waggle/runtime';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { paymentsService } from '../src/service.ts';

let host: Host;
beforeEach(async () => {
  const services = [paymentsService({ limitMinor: 1000 })];
  host = await startHost({ services, environment: { PORT: '0', LOG_LEVEL: 'silent' } });
});
afterEach(() => host.stop());

async function ask(orderId: string, amountMinor: number): Promise<void> {
  const data = { orderId, customerId: 'ada', amount: { amountMinor, currency: 'EUR' } };
  const id = crypto.randomUUID();
  const { type } = takePayment;
  await host.messaging.queue.send({
    specversion: '1.0',
    id,
    source: '/test',
    type,
    partitionkey: orderId,
    data,
  });
}

async function announced(count: number): Promise<readonly CloudEvent[]> {
  const events: CloudEvent[] = [];
  for await (const { event } of host.messaging.events.read({ types: ['payments.*'], follow: true })) {
    events.push(event);
    if (events.length === count) break;
  }
  return events;
}

const list = async (): Promise<unknown> => (await host.request('/payments')).json();

test('a payment within the limit is taken and announced', async () => {
  await ask('o1', 1000);
  const [event] = await announced(1);
  expect(event).toMatchObject({ type: paymentTaken.type, partitionkey: 'o1', data: { orderId: 'o1' } });
  expect(await list()).toMatchObject([{ orderId: 'o1', status: 'taken' }]);
});

test('a payment over the limit is declined, with the reason', async () => {
  await ask('o1', 1001);
  const [event] = await announced(1);
  expect(event).toMatchObject({ type: paymentDeclined.type, data: { reason: 'over-limit' } });
  expect(await list()).toMatchObject([{ orderId: 'o1', status: 'declined', reason: 'over-limit' }]);
});

test('an order is paid for once, however often it is asked', async () => {
  await ask('o1', 100);
  await ask('o1', 100);
  await ask('o2', 100);
  const events = await announced(2);
  expect(events.map(({ partitionkey }) => partitionkey).toSorted()).toEqual(['o1', 'o2']);
  expect(await list()).toHaveLength(2);
});
