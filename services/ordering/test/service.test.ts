import { orderConfirmed, orderPlaced } from '@waggle/contracts/ordering';
import { paymentDeclined, paymentTaken, takePayment } from '@waggle/contracts/payments';
import type { CloudEvent } from '@waggle/kernel';
import type { Host } from '@waggle/runtime';
import { startHost } from '@waggle/runtime';
import { settled, virtualClock } from '@waggle/runtime/testing';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { service } from '../src/service.ts';

let host: Host;
beforeEach(async () => {
  host = await startHost({ services: [service], environment: { PORT: '0', LOG_LEVEL: 'silent' } });
});
afterEach(() => host.stop());

const lines = [{ sku: 'honey-jar', quantity: 2, unitPrice: { amountMinor: 1250, currency: 'EUR' } }];

async function place(body: unknown = { customerId: 'ada', lines }): Promise<Response> {
  const headers = { 'content-type': 'application/json' };
  return host.request('/orders', { method: 'POST', headers, body: JSON.stringify(body) });
}

async function placed(): Promise<string> {
  const { orderId } = (await (await place()).json()) as { orderId: string };
  return orderId;
}

/** The first event of this type. */
async function announced(type: string): Promise<CloudEvent> {
  for await (const { event } of host.messaging.events.read({ types: [type], follow: true })) return event;
  throw new Error('the stream ended');
}

function answer(type: string, data: unknown): Promise<void> {
  const id = crypto.randomUUID();
  return host.messaging.events.publish({ specversion: '1.0', id, source: '/payments', type, data });
}

/** Once everything that followed has happened. */
async function statusOf(orderId: string): Promise<unknown> {
  await settled(host);
  return (await host.request(`/orders/${orderId}`)).json();
}

test('an order over HTTP becomes an event and a command', async () => {
  const commands: CloudEvent[] = [];
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  await host.messaging.queue.receive({ context: 'payments' }, async (command) => {
    commands.push(command);
    resolve();
  });
  const response = await place();
  expect(response.status).toBe(202);
  const order = (await response.json()) as { orderId: string };
  expect(response.headers.get('location')).toBe(`/orders/${order.orderId}?version=1`);
  expect(order).toMatchObject({
    version: 1,
    status: 'awaiting-payment',
    total: { amountMinor: 2500, currency: 'EUR' },
  });
  expect(await announced(orderPlaced.type)).toMatchObject({
    source: '/ordering',
    partitionkey: order.orderId,
  });
  await asked;
  expect(commands).toMatchObject([
    { type: takePayment.type, data: { orderId: order.orderId, customerId: 'ada' } },
  ]);
});

test('a payment that was taken confirms the order', async () => {
  const orderId = await placed();
  await answer(paymentTaken.type, { orderId, amount: { amountMinor: 2500, currency: 'EUR' } });
  expect(await announced(orderConfirmed.type)).toMatchObject({ data: { orderId, customerId: 'ada' } });
  expect(await statusOf(orderId)).toMatchObject({ status: 'confirmed' });
});

test('a payment that was declined rejects the order, with the reason', async () => {
  const orderId = await placed();
  const amount = { amountMinor: 2500, currency: 'EUR' };
  await answer(paymentDeclined.type, { orderId, amount, reason: 'over-limit' });
  await announced('ordering.order-rejected.v1');
  expect(await statusOf(orderId)).toMatchObject({ status: 'rejected', reason: 'over-limit' });
});

test('a broken rule is a problem that says which', async () => {
  const mixed = [...lines, { sku: 'x', quantity: 1, unitPrice: { amountMinor: 1, currency: 'USD' } }];
  const response = await place({ customerId: 'ada', lines: mixed });
  expect(response.status).toBe(422);
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  expect(await response.json()).toMatchObject({ status: 422, detail: 'all lines need the same currency' });
});

test('an order that is not there is a problem, and the list shows those that are', async () => {
  expect((await host.request('/orders/nobody')).status).toBe(404);
  const orderId = await placed();
  await settled(host);
  expect(await (await host.request('/orders')).json()).toMatchObject([{ orderId }]);
});

test('input that is not valid names each mistake, and places no order', async () => {
  const [line] = lines;
  const response = await place({
    customerId: '',
    lines: [
      { ...line, quantity: 0 },
      { ...line, unitPrice: 5 },
    ],
  });
  expect(response.status).toBe(422);
  const { errors } = (await response.json()) as { errors: readonly { pointer: string }[] };
  expect(errors.map(({ pointer }) => pointer)).toEqual([
    '/customerId',
    '/lines/0/quantity',
    '/lines/1/unitPrice',
  ]);
  expect(await (await host.request('/orders')).json()).toEqual([]);
});

test('an order that was settled stays as it is, whatever comes later', async () => {
  const orderId = await placed();
  const amount = { amountMinor: 2500, currency: 'EUR' };
  await answer(paymentTaken.type, { orderId, amount });
  await announced(orderConfirmed.type);
  await answer(paymentDeclined.type, { orderId, amount, reason: 'over-limit' });
  expect(await statusOf(orderId)).toMatchObject({ status: 'confirmed' });
});

test('who asks with the version that a command answered sees what it did', async () => {
  for (let turn = 0; turn < 5; turn++) {
    const { headers } = await place();
    const response = await host.request(headers.get('location') ?? '');
    expect([response.status, await response.json()]).toMatchObject([200, { status: 'awaiting-payment' }]);
  }
});

test('who asks for a version that does not come is told to ask again', async () => {
  const clock = virtualClock();
  const environment = { PORT: '0', LOG_LEVEL: 'silent' };
  const other = await startHost({ services: [service], environment, clock });
  onTestFinished(async () => void (await other.stop()));
  const answer = other.request('/orders/nobody?version=1');
  await clock.advance(6_000);
  expect((await answer).status).toBe(503);
  expect((await other.request('/orders/nobody?version=none')).status).toBe(422);
});
