import { paymentDeclined, paymentTaken } from '@waggle/contracts/payments';
import type { HandlerDefinition } from '@waggle/kernel';
import { onEvent } from '@waggle/kernel';
import type { SettleOrder } from '../application/settle-order.ts';

/** What ordering reacts to. */
export function messages(settleOrder: SettleOrder): readonly HandlerDefinition[] {
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
