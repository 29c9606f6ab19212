import { loadServices, startHost } from '@waggle/runtime';
import { expect, onTestFinished, test } from 'vitest';
import { adaptersWith } from '../../adapters/discover.ts';
import { serverUrl } from '../../setup/server-url.ts';
import { createJournal, handled } from './journal.ts';
import { placeOrder } from './purchase.ts';
import { environmentFor } from './environment.ts';
import { tellIfNone } from '../../adapters/tell-if-none.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const TRACEPARENT = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

const found = (await adaptersWith('broker')).flatMap(({ name, part: { use, foreignClient } }) =>
  use && foreignClient ? [[name, foreignClient] as const] : [],
);

tellIfNone('client of a broker', found);

test.each(found)(
  'a foreign service on the raw client of %s takes the place of payments',
  async (broker, foreignClient) => {
    const environment = await environmentFor(broker);
    const services = (await loadServices([], broker)).filter(({ name }) => name !== 'payments');
    const journal = createJournal();
    const host = await startHost({ services, environment, observer: journal.observer });
    onTestFinished(async () => void (await host.stop()));
    const foreign = await foreignClient(
      await serverUrl(broker),
      environment['NAMESPACE'] ?? '',
      Number(environment['LANES']),
    );
    onTestFinished(() => foreign.close());

    const orderId = await placeOrder(host, {
      customerId: 'ada',
      lines: [{ sku: 'honey-jar', quantity: 2, unitPrice: { amountMinor: 450, currency: 'EUR' } }],
    });
    const command = await foreign.takeCommand('payments');
    expect(command.contentType).toBe('application/cloudevents+json');
    expect(command.body).toEqual({
      specversion: '1.0',
      id: expect.stringMatching(UUID),
      source: '/ordering',
      type: 'payments.take-payment.v1',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      datacontenttype: 'application/json',
      partitionkey: orderId,
      correlationid: 'ada',
      traceparent: expect.stringMatching(TRACEPARENT),
      data: { orderId, customerId: 'ada', amount: { amountMinor: 900, currency: 'EUR' } },
    });
    expect(command.messageId).toBe(command.body['id']);
    expect(command.traceparent).toBe(command.body['traceparent']);

    await foreign.publishBinaryEvent(
      {
        specversion: '1.0',
        id: 'foreign-1',
        source: 'urn:example:till',
        type: 'payments.payment-taken.v1',
        time: '2026-11-23T09:00:00Z',
        partitionkey: orderId,
        correlationid: 'ada',
        causationid: String(command.body['id']),
        traceparent: String(command.body['traceparent']),
      },
      { orderId, amount: { amountMinor: 900, currency: 'EUR' } },
    );
    await journal.until(
      'the customer notified',
      20_000,
      (entries) => handled(entries, 'notifications.notify-customer') === 1,
    );

    const order = await (await fetch(`${host.url}/orders/${orderId}`)).json();
    expect(order).toMatchObject({ orderId, status: 'confirmed' });
    const confirmed = await foreign.firstEvent('ordering.order-confirmed.v1');
    expect(confirmed.body).toMatchObject({
      source: '/ordering',
      correlationid: 'ada',
      causationid: 'foreign-1',
    });
    const traceOf = (traceparent: unknown): string => String(traceparent).slice(3, 35);
    expect(traceOf(confirmed.body['traceparent'])).toBe(traceOf(command.body['traceparent']));
  },
);
