import { paymentDeclined, paymentTaken } from '@waggle/contracts/payments';
import type { Transaction } from '@waggle/kernel';
import type { PaymentRequest, PaymentRules } from '../domain/payment.ts';
import { decide } from '../domain/payment.ts';
import type { Payments } from './ports.ts';

export type TakePayment = (tx: Transaction, request: PaymentRequest) => Promise<void>;

/** Takes the payment of an order or declines it, and announces which. An order is paid for once, however often it is asked. */
export function takePayment(payments: Payments, rules: PaymentRules): TakePayment {
  return async (tx, request) => {
    const { orderId, amount } = request;
    if ((await payments.find(tx, orderId)) !== undefined) return;
    const decision = decide(request, rules);
    payments.save(tx, { ...request, ...decision });
    tx.publish(
      decision.status === 'taken'
        ? paymentTaken({ orderId, amount })
        : paymentDeclined({ orderId, amount, reason: decision.reason }),
    );
  };
}
