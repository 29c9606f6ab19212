import type { OrderEvent } from './order-events.ts';

/** Minor units of a currency: 1250 EUR cents are 12.50 EUR. Nothing is ever rounded. */
export interface Money {
  readonly amountMinor: number;
  readonly currency: string;
}

export interface OrderLine {
  readonly sku: string;
  readonly quantity: number;
  readonly unitPrice: Money;
}

export interface Order {
  readonly orderId: string;
  readonly customerId: string;
  readonly lines: readonly OrderLine[];
  readonly total: Money;
  readonly status: 'awaiting-payment' | 'confirmed' | 'rejected';
  readonly reason?: string;
}

export type OrderCommand =
  | {
      readonly type: 'place';
      readonly orderId: string;
      readonly customerId: string;
      readonly lines: readonly OrderLine[];
    }
  | { readonly type: 'confirm' }
  | { readonly type: 'reject'; readonly reason: string };

/** A rule of the business was broken; the message is for the customer. */
export class OrderError extends Error {
  override readonly name = 'OrderError';
}

/** What happens when the command meets the order as it is; nothing, where it was settled before. */
export function decide(command: OrderCommand, order: Order | undefined): readonly OrderEvent[] {
  if (command.type === 'place') return order === undefined ? [place(command)] : [];
  if (order === undefined) throw new OrderError('there is no such order');
  if (order.status !== 'awaiting-payment') return [];
  const { orderId, customerId } = order;
  return command.type === 'confirm'
    ? [{ type: 'confirmed', orderId, customerId }]
    : [{ type: 'rejected', orderId, customerId, reason: command.reason }];
}

function place({ orderId, customerId, lines }: Extract<OrderCommand, { type: 'place' }>): OrderEvent {
  const [first] = lines;
  if (first === undefined) throw new OrderError('an order needs at least one line');
  const { currency } = first.unitPrice;
  if (lines.some(({ unitPrice }) => unitPrice.currency !== currency))
    throw new OrderError('all lines need the same currency');
  const amountMinor = lines.reduce(
    (sum, { quantity, unitPrice }) => sum + quantity * unitPrice.amountMinor,
    0,
  );
  if (!Number.isSafeInteger(amountMinor)) throw new OrderError('the total is too large');
  return { type: 'placed', orderId, customerId, lines, total: { amountMinor, currency } };
}

/** The order after the event. */
export function evolve(order: Order | undefined, event: OrderEvent): Order {
  if (event.type === 'placed') {
    const { orderId, customerId, lines, total } = event;
    return { orderId, customerId, lines, total, status: 'awaiting-payment' };
  }
  if (order === undefined) throw new OrderError(`an order cannot begin with "${event.type}"`);
  return event.type === 'confirmed'
    ? { ...order, status: 'confirmed' }
    : { ...order, status: 'rejected', reason: event.reason };
}
