import type { Logger } from '@waggle/kernel';
import type { Messenger } from '../application/ports.ts';

/** Stands where mail or push would: writes the notice to the log. */
export function logMessenger(logger: Logger): Messenger {
  return async ({ orderId, customerId, text }) =>
    logger.info('customer notified', { orderId, customerId, text });
}
