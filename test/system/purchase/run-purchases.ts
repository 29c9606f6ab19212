import type { Host } from '@waggle/runtime';
import { settled } from '@waggle/runtime/testing';
import type { Journal } from './journal.ts';
import { handled } from './journal.ts';
import type { Outcome } from './outcome.ts';
import { readOutcome } from './outcome.ts';
import { placeOrder, poison, purchases } from './purchase.ts';

const DEADLINE_MS = 30_000;

/** Drives all purchases, and the poison, through the host; reads what came of them once everything has been dealt with. */
export async function runPurchases(host: Host, journal: Journal): Promise<Outcome> {
  const placed = new Set<string>();
  for (const purchase of purchases) placed.add(await placeOrder(host, purchase));
  await host.messaging.events.publish(poison());
  await journal.until('every customer notified and the poison put aside', DEADLINE_MS, (entries) => {
    const givenUp = entries.filter(({ what }) => what === 'dead-lettered').length;
    return handled(entries, 'notifications.notify-customer') === purchases.length && givenUp === 1;
  });
  await settled(host);
  return readOutcome(host, (orderId) => placed.has(orderId));
}
