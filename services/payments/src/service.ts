import { paymentDeclined, paymentTaken } from '@waggle/contracts/payments';
import { defineService, identifier, offered, provided } from '@waggle/runtime';
import { ContainerModule } from 'inversify';
import { http } from './adapters/http.ts';
import { onTakePayment } from './adapters/on-take-payment.ts';
import { paymentRepository } from './adapters/payment-repository.ts';
import type { Payments } from './application/ports.ts';
import type { TakePayment } from './application/take-payment.ts';
import { takePayment } from './application/take-payment.ts';
import type { PaymentRules } from './domain/payment.ts';

const payments = identifier<Payments>('Payments');
const take = identifier<TakePayment>('TakePayment');
const rules = identifier<PaymentRules>('PaymentRules');

/** The service with other rules; `service` is the one with ours. */
export const paymentsService = (paymentRules: PaymentRules) =>
  defineService({
    name: 'payments',
    publishes: [paymentTaken, paymentDeclined],
    module: new ContainerModule(({ bind }) => {
      bind(rules).toConstantValue(paymentRules);
      bind(payments).toResolvedValue(paymentRepository, []);
      bind(take).toResolvedValue(takePayment, [payments, rules]);
      bind(offered.routes).toResolvedValue(http, [provided.unitOfWork, payments]);
      bind(offered.handlers).toResolvedValue(onTakePayment, [take]);
    }),
  });

export const service = paymentsService({ limitMinor: 100_000 });
