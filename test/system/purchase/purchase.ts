import type { CloudEvent } from '@waggle/kernel';
import type { Host } from '@waggle/runtime';

/** One order of the scenario, by a name that is the same in every run. */
export interface Purchase {
  readonly customerId: string;
  readonly lines: readonly {
    readonly sku: string;
    readonly quantity: number;
    readonly unitPrice: { readonly amountMinor: number; readonly currency: string };
  }[];
}

const euros = (amountMinor: number) => ({ amountMinor, currency: 'EUR' });

/** Three orders; the payment of the second is declined, since it is over the limit of payments. */
export const purchases: readonly Purchase[] = [
  { customerId: 'ada', lines: [{ sku: 'honey-jar', quantity: 2, unitPrice: euros(1_250) }] },
  { customerId: 'bob', lines: [{ sku: 'bee-house', quantity: 3, unitPrice: euros(49_900) }] },
  {
    customerId: 'cleo',
    lines: [
      { sku: 'honey-jar', quantity: 1, unitPrice: euros(1_250) },
      { sku: 'wax-candle', quantity: 4, unitPrice: euros(600) },
    ],
  },
];

/** What the services have on a broker: their groups, and the queues of commands. */
export const SOURCES = ['grp.ordering.settle-order', 'grp.notifications.notify-customer', 'cmd.payments'];

/** A message that no version of ordering can understand: declared as one thing, shaped as another. */
export const poison = (): CloudEvent => ({
  specversion: '1.0',
  id: crypto.randomUUID(),
  source: '/somebody-else',
  type: 'payments.payment-taken.v1',
  correlationid: 'poison',
  data: { orderId: 42, amount: 'a lot' },
});

/** Places an order as a customer would. Returns its id. */
export async function placeOrder(host: Host, purchase: Purchase): Promise<string> {
  const response = await fetch(`${host.url}/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-correlation-id': purchase.customerId },
    body: JSON.stringify(purchase),
  });
  if (response.status !== 202)
    throw new Error(`POST /orders answered ${response.status}: ${await response.text()}`);
  const { orderId } = (await response.json()) as { readonly orderId: string };
  return orderId;
}
