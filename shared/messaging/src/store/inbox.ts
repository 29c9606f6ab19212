import { createHash } from 'node:crypto';
import type { CloudEvent, Handler, HandlerContext, Inbox, Observer, Transaction } from '@waggle/kernel';
import { identify } from '../publisher.ts';
import { isText } from './json.ts';

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
export function exactlyOnce(inbox: Inbox, handler: TransactionalHandler, observer?: Observer): Handler {
  return async (message, context) => {
    const { consumer, attempt, signal } = context;
    const receipt = { consumer, messageId: storable(message.id), attempt };
    const outcome = await inbox.runOnce(receipt, signal, (tx) => handler(message, tx, context));
    if (outcome === 'duplicate') {
      observer?.({ what: 'duplicate', consumer, attempt, ...identify(message) });
    }
  };
}

/** Strangers may write anything into an id: what no store keeps as it is, is known by its hash. */
function storable(id: string): string {
  return isText(id) ? id : `sha256:${createHash('sha256').update(JSON.stringify(id)).digest('hex')}`;
}
