import { takePayment as takePaymentCommand } from '@waggle/contracts/payments';
import type { HandlerDefinition } from '@waggle/kernel';
import { onCommand } from '@waggle/kernel';
import type { TakePayment } from '../application/take-payment.ts';

/** Takes a payment when it is asked to. */
export function onTakePayment(takePayment: TakePayment): readonly HandlerDefinition[] {
  return [onCommand('take-payment', takePaymentCommand, (command, tx) => takePayment(tx, command.data))];
}
