import type { CloudEvent, Handler, HandlerContext, Observer, Transaction } from '@waggle/kernel';
import { identify } from './publisher.ts';
import type { InboxUnitOfWork } from './unit-of-work.ts';

/** A handler whose only effects go through `tx`. */
export type TransactionalHandler = (
  message: CloudEvent,
  tx: Transaction,
  context: HandlerContext,
) => Promise<void>;

/**
 * Delivery is at least once, the effect exactly once: what the handler wants written is committed together with the
 * note that this consumer had this message. A repeat has no effect and counts as handled.
 */
export function exactlyOnce(
  unitOfWork: InboxUnitOfWork,
  handler: TransactionalHandler,
  observer?: Observer,
): Handler {
  return async (message, context) => {
    const inbox = { consumer: context.consumer, messageId: message.id };
    const outcome = await unitOfWork.runOnce(inbox, context.signal, (tx) => handler(message, tx, context));
    if (outcome === 'duplicate') {
      observer?.({
        what: 'duplicate',
        consumer: context.consumer,
        attempt: context.attempt,
        ...identify(message),
      });
    }
  };
}
