import type { Money, OrderLine } from './order.ts';

/** What can happen to an order. */
export type OrderEvent =
  | {
      readonly type: 'placed';
      readonly data: {
        readonly orderId: string;
        readonly customerId: string;
        readonly lines: readonly OrderLine[];
        readonly total: Money;
      };
    }
  | {
      readonly type: 'confirmed';
      readonly data: { readonly orderId: string; readonly customerId: string };
    }
  | {
      readonly type: 'rejected';
      readonly data: { readonly orderId: string; readonly customerId: string; readonly reason: string };
    };
