import type { ConfirmChannel, Message, Options } from 'amqplib';
import { MessagingError } from '@waggle/kernel';
import type { DriverSettings } from '@waggle/messaging';
import { keepChannel } from './rabbitmq-channel.ts';
import type { RabbitMqConnection } from './rabbitmq-connection.ts';
import { closedError, replyCode, translate } from './rabbitmq-errors.ts';

/** One message, addressed in AMQP. */
export interface Shipment {
  readonly exchange: string;
  readonly routingKey: string;
  readonly properties: Options.Publish;
  readonly body: Buffer;
  /** Where it goes when nobody is bound there. */
  readonly otherwise?: Shipment;
}

type Outcome = MessagingError | undefined;

export interface RabbitMqPublisher {
  /** Opens the channel. */
  start(): Promise<void>;
  /** Sends in the order given; one outcome each, never rejects. After one that failed, what was not sent yet is not. */
  ship(shipments: readonly Shipment[]): Promise<Outcome>[];
  /** Waits for what is under way, then closes the channel. */
  close(): Promise<void>;
}

interface Entry {
  readonly shipment: Shipment;
  /** Shared by what was shipped together: whether one of them failed, so that nothing overtakes it later. */
  readonly batch: { broken: boolean };
  readonly deadline: number;
  readonly settle: (outcome: Outcome) => void;
  returned: boolean;
}

/**
 * One confirm channel, pipelined. A mandatory message that nobody is bound for is returned before its confirmation, in
 * the order of publishing: the oldest unconfirmed one of that address and id is meant, so that no header need be added.
 */
export function createPublisher(
  settings: DriverSettings,
  connection: RabbitMqConnection,
  restore: () => Promise<void>,
): RabbitMqPublisher {
  const queue: Entry[] = [];
  const sent = new Set<Entry>();
  const idle = new Set<() => void>();
  let channel: ConfirmChannel | undefined;
  let full = false;
  let closed = false;
  let lost: unknown;
  let sweeper: NodeJS.Timeout | undefined;
  let kept: ReturnType<typeof keepChannel> | undefined;

  async function attach(fresh: ConfirmChannel): Promise<void> {
    fresh.on('return', onReturn);
    fresh.on('error', (error) => {
      lost = error;
    });
    fresh.once('close', () => {
      if (channel === fresh) channel = undefined;
      lost = undefined;
    });
    fresh.on('drain', () => {
      full = false;
      flush();
    });
    channel = fresh;
    full = false;
    flush();
  }

  function onReturn(message: Message): void {
    for (const entry of sent) {
      const { exchange, routingKey, properties } = entry.shipment;
      if (entry.returned || routingKey !== message.fields.routingKey || exchange !== message.fields.exchange)
        continue;
      if ((properties.messageId ?? '') !== (message.properties.messageId ?? '')) continue;
      entry.returned = true;
      return;
    }
  }

  function flush(): void {
    while (channel !== undefined && !full) {
      const entry = queue.shift();
      if (entry === undefined) return;
      if (entry.batch.broken) finish(entry, notSent());
      else send(channel, entry);
    }
  }

  function send(on: ConfirmChannel, entry: Entry): void {
    const { exchange, routingKey, body, properties } = entry.shipment;
    sent.add(entry);
    try {
      full = !on.publish(exchange, routingKey, body, properties, (error: unknown) => confirmed(entry, error));
    } catch (error) {
      sent.delete(entry);
      if (error instanceof Error && error.name === 'IllegalOperationError') {
        channel = undefined;
        queue.unshift(entry);
      } else {
        finish(
          entry,
          new MessagingError('invalid', '[rabbitmq] cannot carry this message', { cause: error }),
        );
      }
    }
  }

  function confirmed(entry: Entry, error: unknown): void {
    if (!sent.delete(entry)) return;
    const { otherwise, routingKey, exchange } = entry.shipment;
    if (error instanceof Error) {
      finish(entry, error.message === 'message nacked' ? refused(error) : whyLost(entry, error));
    } else if (!entry.returned) {
      finish(entry, undefined);
    } else if (otherwise === undefined) {
      const where = exchange === '' ? `queue ${routingKey}` : `key ${routingKey} of exchange ${exchange}`;
      finish(
        entry,
        new MessagingError(
          'unroutable',
          `[rabbitmq] nobody receives ${where}: declare the queue or group first`,
        ),
      );
    } else {
      queue.unshift({ ...entry, shipment: otherwise, returned: false });
      flush();
    }
  }

  /** The channel ended before the confirmation. What the server refused access to was not stored. */
  function whyLost(entry: Entry, error: Error): MessagingError {
    if (replyCode(lost) === 403 && lost instanceof Error) {
      const name = /exchange '([^']*)'/.exec(lost.message)?.[1];
      const own = entry.shipment.exchange === '' ? 'amq.default' : entry.shipment.exchange;
      if (name === undefined || name === own) return translate(lost, `publishing to exchange ${own}`);
    }
    return new MessagingError('unavailable', '[rabbitmq] the connection was lost before the confirmation', {
      cause: lost ?? error,
    });
  }

  function finish(entry: Entry, outcome: Outcome): void {
    if (outcome?.code === 'unavailable' || outcome?.code === 'timeout') entry.batch.broken = true;
    entry.settle(outcome);
    if (queue.length > 0 || sent.size > 0) return;
    clearInterval(sweeper);
    sweeper = undefined;
    for (const done of [...idle]) done();
  }

  /** One timer for all deadlines, running only while something is under way. */
  function sweep(): void {
    const now = Date.now();
    for (const entry of sent) {
      if (entry.deadline > now) continue;
      sent.delete(entry);
      finish(
        entry,
        new MessagingError('timeout', `[rabbitmq] no confirmation within ${settings.requestTimeoutMs} ms`),
      );
    }
    while (queue[0] !== undefined && (queue[0].deadline <= now || queue[0].batch.broken)) {
      const entry = queue.shift();
      if (entry !== undefined) finish(entry, notSent());
    }
  }

  function notSent(): MessagingError {
    return new MessagingError(
      'unavailable',
      '[rabbitmq] not sent: not connected in time, or an earlier message of the same call failed',
    );
  }

  return {
    async start() {
      kept = keepChannel({
        connection,
        logger: settings.logger,
        waitMs: settings.requestTimeoutMs,
        what: 'publishing',
        attach,
        restore,
      });
      await kept.attached;
    },
    ship(shipments) {
      if (closed || kept === undefined) return shipments.map(async () => closedError());
      const batch = { broken: false };
      const deadline = Date.now() + settings.requestTimeoutMs;
      const outcomes = shipments.map(
        (shipment) =>
          new Promise<Outcome>((settle) =>
            queue.push({ shipment, batch, deadline, settle, returned: false }),
          ),
      );
      sweeper ??= setInterval(sweep, Math.max(10, Math.min(250, settings.requestTimeoutMs / 4)));
      flush();
      return outcomes;
    },
    async close() {
      closed = true;
      if (connection.status === 'open' && (queue.length > 0 || sent.size > 0))
        await new Promise<void>((resolve) => idle.add(resolve));
      for (const entry of queue.splice(0)) finish(entry, closedError());
      clearInterval(sweeper);
      await kept?.close();
    },
  };
}

function refused(cause: Error): MessagingError {
  return new MessagingError(
    'unavailable',
    '[rabbitmq] the server could not store the message (nack): a queue is full or has no leader',
    { cause },
  );
}
