import type { Channel } from 'amqplib';
import type { ConsumeOptions, Delivery, DriverConsumer, DriverSettings } from '@waggle/messaging';
import { messageOf } from '@waggle/kernel';
import { closeChannel, keepChannel, type KeptChannel } from './rabbitmq-channel.ts';
import type { RabbitMqConnection } from './rabbitmq-connection.ts';
import { consumeLane } from './rabbitmq-lane.ts';
import { allQueue, laneQueue, membersQueue } from './rabbitmq-names.ts';
import type { RabbitMqPublisher } from './rabbitmq-publisher.ts';
import { consumeUnordered } from './rabbitmq-unordered.ts';

/** What the parts of a consumer share. */
export interface ConsumerContext {
  readonly connection: RabbitMqConnection;
  readonly settings: DriverSettings;
  readonly publisher: RabbitMqPublisher;
  readonly concurrency: number;
  readonly shareIntervalMs: number;
  /** Must not throw into the client library, which would close the connection. */
  readonly deliver: (delivery: Delivery) => void;
  readonly restore: () => Promise<void>;
  readonly delayExchange: (delayMs: number) => Promise<string>;
  /** Told of each copy that waits so long. */
  readonly delayed: (delayMs: number) => void;
}

export interface RabbitMqConsumer extends DriverConsumer {
  readonly unsettled: number;
}

/** Attaches to every queue of a source. Rejects, and leaves nothing behind, if one of them cannot be consumed. */
export async function startConsumer(
  context: ConsumerContext,
  base: string,
  ordering: ConsumeOptions['ordering'],
): Promise<RabbitMqConsumer> {
  const { lanes: count } = context.settings;
  const byKey = ordering === 'by-key';
  const lanes = byKey
    ? Array.from({ length: count }, (_, lane) => consumeLane(context, lane, laneQueue(base, lane)))
    : [];
  const unordered = byKey
    ? consumeUnordered(context, laneQueue(base, 'unordered'), 'unordered')
    : consumeUnordered(context, allQueue(base), undefined);
  let member: KeptChannel | undefined;
  let closing: Promise<void> | undefined;

  /** Being counted, and giving up lanes that others should have. */
  function beMember(): KeptChannel | undefined {
    if (!byKey) return undefined;
    return keepMember(context, membersQueue(base), (members) => {
      const held = lanes.filter((lane) => lane.held);
      const share = Math.ceil(count / members);
      for (const lane of held.slice(0, share)) lane.join();
      for (const lane of held.slice(share)) lane.leave(true);
    });
  }

  async function close(): Promise<void> {
    await Promise.all([...lanes.map((lane) => lane.close()), unordered.close(), member?.close()]);
  }

  const consumer: RabbitMqConsumer = {
    get unsettled() {
      return lanes.reduce((sum, lane) => sum + lane.unsettled, unordered.unsettled);
    },
    pause() {
      for (const lane of lanes) lane.leave(false);
      unordered.pause();
      void member?.close();
      member = undefined;
    },
    resume() {
      if (closing !== undefined) return;
      for (const lane of lanes) lane.join();
      unordered.resume();
      member ??= beMember();
    },
    close: () => (closing ??= close()),
  };
  try {
    member = beMember();
    await Promise.all([...lanes.map((lane) => lane.attached), unordered.attached, member?.attached]);
  } catch (error) {
    await consumer.close();
    throw error;
  }
  return consumer;
}

/**
 * Consumes the members queue, so that the number of its consumers is the number of members, and tells it once in a
 * while. The first member of a group is sent every lane; each that holds more than its share goes to the back of the
 * line of the others. Lanes only ever go from who has too many, so this comes to rest.
 */
function keepMember(context: ConsumerContext, queue: string, share: (members: number) => void): KeptChannel {
  const { connection, settings, restore } = context;
  const attach = async (channel: Channel): Promise<void> => {
    await channel.consume(queue, (message) => void (message === null && closeChannel(channel)), {
      noAck: true,
    });
    const look = (): void => {
      channel.checkQueue(queue).then(
        ({ consumerCount }) => consumerCount > 1 && share(consumerCount),
        (error: unknown) =>
          settings.logger.debug('rabbitmq members not counted', { queue, reason: messageOf(error) }),
      );
    };
    const timer = setInterval(look, context.shareIntervalMs);
    channel.once('close', () => clearInterval(timer));
  };
  return keepChannel({
    connection,
    logger: settings.logger,
    waitMs: settings.requestTimeoutMs,
    what: `joining ${queue}`,
    attach,
    restore,
  });
}
