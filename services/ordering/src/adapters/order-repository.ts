import { defineAggregate } from '@waggle/event-sourcing';
import type { Orders } from '../application/ports.ts';
import { order } from '../domain/order.ts';

/** The stream of an order. */
export const orders = defineAggregate({
  category: 'order',
  decider: order,
  // An order has few events; the policy shows where one goes. Raise `schemaVersion` when `Order` has another shape.
  snapshots: { every: 50, schemaVersion: 1 },
});

/** Orders as streams of the event store. */
export function orderRepository(): Orders {
  return { handle: orders.handle };
}
