import { z } from 'zod';
import { defineEvent } from './contract.ts';
import { moneySchema } from './money.ts';

const orderId = z.string().min(1).max(100);
const byOrder = (data: { readonly orderId: string }): string => data.orderId;

/** Carries all that others need of an order, so that nobody has to ask: event-carried state transfer. */
export const orderPlaced = defineEvent('ordering.order-placed.v1', {
  description: 'A customer placed an order; it waits for its payment.',
  schema: z.object({
    orderId,
    customerId: z.string().min(1),
    lines: z
      .array(z.object({ sku: z.string().min(1), quantity: z.int().positive(), unitPrice: moneySchema }))
      .min(1),
    total: moneySchema,
  }),
  key: byOrder,
  example: {
    orderId: 'order-1',
    customerId: 'customer-1',
    lines: [{ sku: 'honey-jar', quantity: 2, unitPrice: { amountMinor: 1250, currency: 'EUR' } }],
    total: { amountMinor: 2500, currency: 'EUR' },
  },
});

/** An event notification: an identifier and little more; whoever needs more asks ordering for it. */
export const orderConfirmed = defineEvent('ordering.order-confirmed.v1', {
  description: 'The payment of an order was taken; the order will be fulfilled.',
  schema: z.object({ orderId, customerId: z.string().min(1) }),
  key: byOrder,
  example: { orderId: 'order-1', customerId: 'customer-1' },
});

export const orderRejected = defineEvent('ordering.order-rejected.v1', {
  description: 'The payment of an order was declined; the order is over.',
  schema: z.object({ orderId, customerId: z.string().min(1), reason: z.string().min(1) }),
  key: byOrder,
  example: { orderId: 'order-1', customerId: 'customer-1', reason: 'over-limit' },
});
