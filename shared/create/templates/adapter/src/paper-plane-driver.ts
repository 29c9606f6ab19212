import { createDriver, type BrokerDriver, type DriverSettings } from '@waggle/messaging';
import { connect, type PaperPlaneOptions } from './paper-plane-connection.ts';
import { translate } from './paper-plane-errors.ts';

/** Header names that the broker or its client keep for themselves: a message that has one is refused (C5). */
const RESERVED_HEADERS = /^content-type$/;

/**
 * Waggle on paper plane. The kit makes a driver of single connections: it connects again, declares again, attaches consumers
 * again, sends again what was not confirmed, keeps deadlines, and checks what is asked (A, H, and much of C, F, G and I).
 */
export function createPaperPlaneDriver(settings: DriverSettings, options: PaperPlaneOptions): BrokerDriver {
  return createDriver(settings, {
    name: 'paper-plane',
    reservedHeaders: RESERVED_HEADERS,
    translate,
    connect: (lost, unblocked) => connect(settings, options, lost, unblocked),
  });
}
