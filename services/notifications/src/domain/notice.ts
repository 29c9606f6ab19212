/** What a customer was told. */
export interface Notice {
  readonly orderId: string;
  readonly customerId: string;
  readonly text: string;
}

export type Outcome =
  | { readonly status: 'confirmed' }
  | { readonly status: 'rejected'; readonly reason: string };

/** Says it in the words of the shop. */
export function noticeOf(orderId: string, customerId: string, outcome: Outcome): Notice {
  const text =
    outcome.status === 'confirmed'
      ? 'Thank you: your order is confirmed.'
      : `We are sorry: your order was rejected (${outcome.reason}).`;
  return { orderId, customerId, text };
}
