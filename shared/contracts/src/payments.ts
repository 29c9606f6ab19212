import { z } from 'zod';
import { defineCommand, defineEvent } from './contract.ts';
import { moneySchema } from './money.ts';

const orderId = z.string().min(1).max(100);
const byOrder = (data: { readonly orderId: string }): string => data.orderId;

export const takePayment = defineCommand('payments.take-payment.v1', {
  description: 'Asks for the payment of an order.',
  schema: z.object({ orderId, customerId: z.string().min(1), amount: moneySchema }),
  key: byOrder,
  example: { orderId: 'order-1', customerId: 'customer-1', amount: { amountMinor: 2500, currency: 'EUR' } },
});

export const paymentTaken = defineEvent('payments.payment-taken.v1', {
  description: 'The payment of an order was taken.',
  schema: z.object({ orderId, amount: moneySchema }),
  key: byOrder,
  example: { orderId: 'order-1', amount: { amountMinor: 2500, currency: 'EUR' } },
});

export const paymentDeclined = defineEvent('payments.payment-declined.v1', {
  description: 'The payment of an order was declined.',
  schema: z.object({ orderId, amount: moneySchema, reason: z.enum(['over-limit']) }),
  key: byOrder,
  example: { orderId: 'order-1', amount: { amountMinor: 2500, currency: 'EUR' }, reason: 'over-limit' },
});
