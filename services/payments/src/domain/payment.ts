/** Minor units of a currency. */
export interface Money {
  readonly amountMinor: number;
  readonly currency: string;
}

export interface PaymentRequest {
  readonly orderId: string;
  readonly customerId: string;
  readonly amount: Money;
}

export type Decision =
  | { readonly status: 'taken' }
  | { readonly status: 'declined'; readonly reason: 'over-limit' };

export type Payment = PaymentRequest & Decision;

/** The most that is taken for one order, in minor units of whatever currency: the one rule of this example. */
export interface PaymentRules {
  readonly limitMinor: number;
}

export function decide({ amount }: PaymentRequest, { limitMinor }: PaymentRules): Decision {
  return amount.amountMinor > limitMinor ? { status: 'declined', reason: 'over-limit' } : { status: 'taken' };
}
