import type { Host } from '@waggle/runtime';

/** What the purchases led to, without anything that differs from run to run: no ids, no times, no attempts. */
export interface Outcome {
  readonly orders: readonly Line[];
  readonly payments: readonly Line[];
  readonly notices: readonly Line[];
  readonly deadLetters: readonly Line[];
}

type Line = Readonly<Record<string, unknown>>;

/** What is expected of the purchases under the rules as they are. */
export const expected: Outcome = {
  orders: [
    { customerId: 'ada', total: { amountMinor: 2_500, currency: 'EUR' }, status: 'confirmed' },
    {
      customerId: 'bob',
      total: { amountMinor: 149_700, currency: 'EUR' },
      status: 'rejected',
      reason: 'over-limit',
    },
    { customerId: 'cleo', total: { amountMinor: 3_650, currency: 'EUR' }, status: 'confirmed' },
  ],
  payments: [
    { customerId: 'ada', amount: { amountMinor: 2_500, currency: 'EUR' }, status: 'taken' },
    {
      customerId: 'bob',
      amount: { amountMinor: 149_700, currency: 'EUR' },
      status: 'declined',
      reason: 'over-limit',
    },
    { customerId: 'cleo', amount: { amountMinor: 3_650, currency: 'EUR' }, status: 'taken' },
  ],
  notices: [
    { customerId: 'ada', text: 'Thank you: your order is confirmed.' },
    { customerId: 'bob', text: 'We are sorry: your order was rejected (over-limit).' },
    { customerId: 'cleo', text: 'Thank you: your order is confirmed.' },
  ],
  deadLetters: [{ consumer: 'ordering.settle-order', type: 'payments.payment-taken.v1', cause: 'schema' }],
};

/** Asks the services over HTTP, and the broker for its dead letters. @param isOurs of which orders @default all */
export async function readOutcome(
  host: Host,
  isOurs: (orderId: string) => boolean = () => true,
): Promise<Outcome> {
  const deadLetters = await host.messaging.deadLetters.list();
  return {
    orders: await ask(host, '/orders', isOurs),
    payments: await ask(host, '/payments', isOurs),
    notices: await ask(host, '/notices', isOurs),
    deadLetters: sorted(
      deadLetters.map(({ consumer, messageType, cause }) => ({ consumer, type: messageType, cause })),
    ),
  };
}

async function ask(host: Host, path: string, isOurs: (orderId: string) => boolean): Promise<readonly Line[]> {
  const response = await fetch(host.url + path);
  if (response.status !== 200)
    throw new Error(`GET ${path} answered ${response.status}: ${await response.text()}`);
  const lines = (await response.json()) as readonly Line[];
  const ours = lines.filter(({ orderId }) => isOurs(String(orderId)));
  return sorted(ours.map(({ orderId: _, ...line }) => line));
}

function sorted(lines: readonly Line[]): readonly Line[] {
  return lines.toSorted((one, other) => JSON.stringify(one).localeCompare(JSON.stringify(other)));
}
