import { orderConfirmed, orderRejected } from '@waggle/contracts/ordering';
import type { HandlerDefinition } from '@waggle/kernel';
import { onEvent } from '@waggle/kernel';
import type { NotifyCustomer } from '../application/notify-customer.ts';

/** Tells the customer what became of an order. */
export function onOrderOutcome(notifyCustomer: NotifyCustomer): readonly HandlerDefinition[] {
  return [
    onEvent('notify-customer', [orderConfirmed, orderRejected], (event, tx) =>
      notifyCustomer(
        tx,
        event.data.orderId,
        event.data.customerId,
        event.type === orderConfirmed.type
          ? { status: 'confirmed' }
          : { status: 'rejected', reason: event.data.reason },
      ),
    ),
  ];
}
