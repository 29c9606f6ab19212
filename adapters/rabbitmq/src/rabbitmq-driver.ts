import { MessagingError, messageOf } from '@waggle/kernel';
import type {
  BrokerDriver,
  ConsumeOptions,
  Delivery,
  DriverSettings,
  LogEntry,
  OutgoingMessage,
} from '@waggle/messaging';
import { endOf, closeChannel } from './rabbitmq-channel.ts';
import { asBuffer, toProperties, withLane } from './rabbitmq-codec.ts';
import { createConnection, type RabbitMqOptions } from './rabbitmq-connection.ts';
import { type ConsumerContext, type RabbitMqConsumer, startConsumer } from './rabbitmq-consumer.ts';
import { closedError, isNotFound, within } from './rabbitmq-errors.ts';
import { readLog } from './rabbitmq-log.ts';
import { allQueue, createNames, laneQueue, queuesOf } from './rabbitmq-names.ts';
import { createPublisher, type Shipment } from './rabbitmq-publisher.ts';
import { createTopology, undeclared } from './rabbitmq-topology.ts';

/** A broker on RabbitMQ 3.10 or newer. What it makes on the server is in the README. @throws MessagingError `invalid` for a bad URL */
export function createRabbitMqDriver(settings: DriverSettings, options: RabbitMqOptions): BrokerDriver {
  const { requestTimeoutMs, maxMessageBytes, logger } = settings;
  const names = createNames(settings.namespace);
  const connection = createConnection(settings, options);
  const topology = createTopology(settings, names, connection);
  const publisher = createPublisher(settings, connection, topology.declareCommon);
  const consumers = new Map<RabbitMqConsumer, string>();
  /** Readers that look for their place: what is published after their first `next()` waits for them. */
  const attaching = new Set<Promise<void>>();
  /** A timer for each copy that waits for its retry, by source; for `lag`. */
  const delayed = new Map<string, Set<NodeJS.Timeout>>();
  let opening: Promise<void> | undefined;
  let closing: Promise<void> | undefined;

  const assertOpen = (): void => {
    if (closing !== undefined || connection.status === 'new') throw closedError();
  };

  async function open(openOptions: Parameters<BrokerDriver['open']>[0]): Promise<void> {
    await connection.open(openOptions ?? {});
    try {
      await topology.declareCommon();
      await within(requestTimeoutMs, 'opening', publisher.start());
    } catch (error) {
      await connection.reset();
      throw closing === undefined ? error : closedError();
    }
  }

  function address({ to, lane, type, body }: OutgoingMessage, properties: Shipment['properties']): Shipment {
    const content = asBuffer(body);
    const ship = (exchange: string, routingKey: string): Shipment => ({
      exchange,
      routingKey,
      properties,
      body: content,
    });
    switch (to.kind) {
      case 'stream':
        return ship(names.events, `${lane}.${type}`);
      case 'queue':
        return ship(names.commands, `${to.context}.${lane}.${type}`);
      case 'dead-letters':
        return ship('', names.dead);
      case 'group': {
        const base = names.base(to);
        const otherwise = { ...ship('', allQueue(base)), properties: withLane(properties, lane) };
        return { ...ship('', laneQueue(base, lane)), otherwise };
      }
    }
  }

  function prepare(message: OutgoingMessage): Shipment {
    const { byteLength } = message.body;
    if (byteLength > maxMessageBytes)
      throw new MessagingError(
        'too-large',
        `[rabbitmq] a body of ${byteLength} bytes: at most ${maxMessageBytes}`,
      );
    return address(message, toProperties(message));
  }

  async function publish(messages: readonly OutgoingMessage[]): Promise<(MessagingError | undefined)[]> {
    if (closing !== undefined || connection.status === 'new') return messages.map(closedError);
    if (attaching.size > 0) await Promise.all(attaching);
    const outcomes: (MessagingError | undefined)[] = [];
    const shipments: Shipment[] = [];
    const places: number[] = [];
    messages.forEach((message, place) => {
      try {
        shipments.push(prepare(message));
        places.push(place);
        outcomes.push(undefined);
      } catch (error) {
        if (!(error instanceof MessagingError)) throw error;
        outcomes.push(error);
      }
    });
    const shipped = await Promise.all(publisher.ship(shipments));
    places.forEach((place, index) => (outcomes[place] = shipped[index]));
    return outcomes;
  }

  function contextFor(
    source: ConsumeOptions['source'],
    concurrency: number,
    deliver: (delivery: Delivery) => void,
  ): ConsumerContext {
    const base = names.base(source);
    return {
      connection,
      settings,
      publisher,
      concurrency,
      shareIntervalMs: options.shareIntervalMs ?? 1_000,
      deliver: (delivery) => {
        try {
          deliver(delivery);
        } catch (error) {
          logger.error('a delivery was thrown back at the driver', { reason: messageOf(error) });
          delivery.release();
        }
      },
      restore: () => topology.restore(source),
      delayExchange: topology.delayExchange,
      delayed: (delayMs) => noteDelayed(base, delayMs),
    };
  }

  function noteDelayed(base: string, delayMs: number): void {
    const timers = delayed.get(base) ?? new Set();
    delayed.set(base, timers);
    const timer = setTimeout(() => timers.delete(timer), Math.min(delayMs, 2 ** 31 - 1));
    timers.add(timer);
  }

  async function* read(
    source: { readonly kind: 'stream' | 'dead-letters' },
    readOptions: Parameters<BrokerDriver['read']>[1],
  ): AsyncGenerator<LogEntry, void, undefined> {
    assertOpen();
    const attached = Promise.withResolvers<void>();
    attaching.add(attached.promise);
    const onAttached = (): void => {
      attaching.delete(attached.promise);
      attached.resolve();
    };
    try {
      yield* readLog({
        connection,
        settings,
        log: source.kind === 'stream' ? names.log : names.dead,
        ...readOptions,
        onAttached,
      });
    } finally {
      onAttached();
    }
  }

  async function close(): Promise<void> {
    await within(
      requestTimeoutMs,
      'closing',
      Promise.all([...consumers.keys()].map((consumer) => consumer.close())),
    ).catch(() => undefined);
    await within(requestTimeoutMs, 'closing', topology.close()).catch(() => undefined);
    await within(requestTimeoutMs, 'closing', publisher.close()).catch(() => undefined);
    await connection.close();
    for (const timers of delayed.values()) for (const timer of timers) clearTimeout(timer);
  }

  return {
    get status() {
      return closing === undefined ? connection.status : 'closed';
    },
    open(openOptions) {
      if (closing !== undefined) return Promise.reject(closedError());
      opening ??= open(openOptions).catch((error: unknown) => {
        opening = undefined;
        throw error;
      });
      return opening;
    },
    async declare(wanted) {
      assertOpen();
      await topology.declare(wanted);
    },
    publish,
    async consume({ source, ordering, concurrency }, deliver) {
      assertOpen();
      const base = names.base(source);
      const asked = source.kind === 'queue' ? 'by-key' : ordering;
      const declared = topology.orderingOf(source) ?? asked;
      if (declared !== asked)
        throw new MessagingError(
          'conflict',
          `[rabbitmq] ${base} was declared with ordering ${declared}, consumed with ${asked}`,
        );
      if (!Number.isSafeInteger(concurrency) || concurrency < 1)
        throw new MessagingError(
          'invalid',
          `[rabbitmq] concurrency ${concurrency}: give a whole number from 1`,
        );
      const context = contextFor(source, concurrency, deliver);
      const starting = startConsumer(context, base, asked);
      const consumer = await within(requestTimeoutMs, `consuming ${base}`, starting).catch(
        (error: unknown) => {
          starting.then(
            (late) => late.close(),
            () => undefined,
          );
          throw error;
        },
      );
      consumers.set(consumer, base);
      const leave = (): Promise<void> => {
        consumers.delete(consumer);
        return within(requestTimeoutMs, `leaving ${base}`, consumer.close()).catch(() => undefined);
      };
      if (closing !== undefined) await leave();
      return { pause: consumer.pause, resume: consumer.resume, close: leave };
    },
    read,
    /**
     * What is ready in the queues, what this process holds, and what this process put off. Without the management API
     * it cannot see what other processes hold or put off.
     */
    async lag(source) {
      assertOpen();
      const base = names.base(source);
      const counting = connection.model(requestTimeoutMs).then(async (model) => {
        const channel = await model.createChannel();
        void endOf(channel);
        try {
          const queues = queuesOf(base, topology.orderingOf(source) ?? 'by-key', settings.lanes);
          const counts = await Promise.all(queues.map((queue) => channel.checkQueue(queue)));
          return counts.reduce((sum, { messageCount }) => sum + messageCount, 0);
        } catch (error) {
          throw isNotFound(error) ? undeclared(base) : error;
        } finally {
          await closeChannel(channel);
        }
      });
      const ready = await within(requestTimeoutMs, `counting ${base}`, counting);
      const held = [...consumers].reduce(
        (sum, [consumer, of]) => sum + (of === base ? consumer.unsettled : 0),
        0,
      );
      return ready + held + (delayed.get(base)?.size ?? 0);
    },
    async describe() {
      assertOpen();
      return topology.resources();
    },
    close: () => (closing ??= close()),
  };
}
