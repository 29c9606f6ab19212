import type { Message, Options } from 'amqplib';
import { MessagingError, messageOf } from '@waggle/kernel';
import type { Outcome } from '@waggle/messaging';
import { keepChannel, type Attach } from './rabbitmq-channel.ts';
import { isNotFound, replyCode, translate } from './rabbitmq-errors.ts';
import type { Session } from './rabbitmq-session.ts';

/** One message, addressed in AMQP. */
export interface Shipment {
  readonly exchange: string;
  readonly routingKey: string;
  readonly properties: Options.Publish;
  readonly body: Buffer;
  /** Where it goes when nobody is bound there. */
  readonly otherwise?: Shipment;
}

interface Entry extends Shipment {
  readonly confirm: (outcome: Outcome) => void;
  returned: boolean;
}

/**
 * One confirm channel, pipelined: sends at once, or as soon as there is a channel again. A mandatory message that nobody is
 * bound for is returned before its confirmation, in the order of publishing: the oldest unconfirmed one of that address and
 * id is meant, so that no header need be added. `confirm` is called once, unless the connection is lost before.
 */
export function createPublisher(session: Session, restore: () => Promise<unknown>) {
  /** While there is no channel. */
  const waiting: Entry[] = [];
  const sent = new Set<Entry>();
  let send: ((entry: Entry) => void) | undefined;

  const attach: Attach = async (channel, _end, before) => {
    if (isNotFound(before)) await restore();
    let lost: unknown;
    channel.on('return', markReturned);
    channel.on('error', (error) => (lost = error));
    channel.once('close', () => (send = undefined));
    send = (entry) => {
      const { exchange, routingKey, body, properties } = entry;
      const onConfirm = (error: unknown): void => {
        sent.delete(entry);
        // After a turn it is known whether the connection was lost as well: then it is sent again, and this is not heard.
        if (error instanceof Error) setImmediate(() => entry.confirm(problemOf(entry, lost ?? error)));
        else confirmed(entry);
      };
      try {
        channel.publish(exchange, routingKey, body, properties, onConfirm);
        sent.add(entry);
      } catch (error) {
        entry.confirm(translate(error, 'publishing'));
      }
    };
    waiting.splice(0).forEach(send);
  };

  function markReturned({ fields, properties: { messageId } }: Message): void {
    for (const entry of sent) {
      const { returned, exchange, routingKey, properties } = entry;
      if (returned || routingKey !== fields.routingKey || exchange !== fields.exchange) continue;
      if ((properties.messageId ?? '') !== (messageId ?? '')) continue;
      entry.returned = true;
      return;
    }
  }

  function confirmed({ confirm, returned, otherwise, routingKey, exchange }: Entry): void {
    if (!returned) return confirm(undefined);
    if (otherwise !== undefined) return ship(otherwise, confirm);
    const where = exchange === '' ? `queue ${routingKey}` : `key ${routingKey} of exchange ${exchange}`;
    confirm(new MessagingError('unroutable', `[rabbitmq] nobody receives ${where}: declare it first`));
  }

  function ship(shipment: Shipment, confirm: Entry['confirm']): void {
    const entry = { ...shipment, confirm, returned: false };
    if (send === undefined) waiting.push(entry);
    else send(entry);
  }

  void keepChannel(session, 'publishing', attach);
  return ship;
}

/** A nack, or the end of the channel. What the server refused access to was not stored. */
function problemOf({ exchange }: Shipment, cause: unknown): MessagingError {
  const name = exchange === '' ? 'amq.default' : exchange;
  const refusal = replyCode(cause) === 403 ? messageOf(cause) : '';
  if (refusal.includes(`exchange '${name}'`)) return translate(cause, `publishing to ${name}`);
  const what = 'the server could not store it (nack), or the channel was lost before it was confirmed';
  return new MessagingError('unavailable', `[rabbitmq] ${what}`, { cause });
}
