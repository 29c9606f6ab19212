import type { Decider } from '@waggle/kernel';
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
function decide(command: OrderCommand, state: Order | undefined): readonly OrderEvent[] {
  if (command.type === 'place') return state === undefined ? [place(command)] : [];
  if (state === undefined) throw new OrderError('there is no such order');
  if (state.status !== 'awaiting-payment') return [];
  const { orderId, customerId } = state;
  return command.type === 'confirm'
    ? [{ type: 'confirmed', data: { orderId, customerId } }]
    : [{ type: 'rejected', data: { orderId, customerId, reason: command.reason } }];
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
  return { type: 'placed', data: { orderId, customerId, lines, total: { amountMinor, currency } } };
}

function evolve(state: Order | undefined, { type, data }: OrderEvent): Order {
  if (type === 'placed') return { ...data, status: 'awaiting-payment' };
  if (state === undefined) throw new OrderError(`an order cannot begin with "${type}"`);
  return type === 'confirmed'
    ? { ...state, status: 'confirmed' }
    : { ...state, status: 'rejected', reason: data.reason };
}

/** The whole of an order's life; it does not exist before it is placed. */
export const order: Decider<Order | undefined, OrderCommand, OrderEvent> = {
  decide,
  evolve,
  initialState: undefined,
};
