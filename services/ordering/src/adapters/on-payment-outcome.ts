import { paymentDeclined, paymentTaken } from '@waggle/contracts/payments';
import type { HandlerDefinition } from '@waggle/kernel';
import { onEvent } from '@waggle/kernel';
import type { SettleOrder } from '../application/settle-order.ts';

/** Confirms an order that was paid for, rejects one that was not. */
export function onPaymentOutcome(settleOrder: SettleOrder): readonly HandlerDefinition[] {
  return [
    onEvent('settle-order', [paymentTaken, paymentDeclined], (event, tx) =>
      settleOrder(
        tx,
        event.data.orderId,
        event.type === paymentTaken.type
          ? { type: 'confirm' }
          : { type: 'reject', reason: event.data.reason },
      ),
    ),
  ];
}
