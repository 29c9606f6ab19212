import { createRabbitMqDriver } from '@waggle/adapter-rabbitmq';
import { connect, type ChannelModel, type ConfirmChannel } from 'amqplib';
import type { CloudEvent } from '@waggle/kernel';
import { laneOf } from '@waggle/messaging';
import { sweepRabbitmq } from '../../adapters/rabbitmq/testing/sweep.ts';
import { GROUP, IN_FLIGHT } from './load.ts';
import { LANES, type Place, type UsualClient } from './rig.ts';

export interface RabbitmqPlace extends Place {
  /** Publishes, confirmed and pipelined, to a quorum queue that nothing else is behind: no log, no exchange. */
  bareQueue(): Promise<{ publish(event: CloudEvent): Promise<void>; close(): Promise<void> }>;
}

export async function rabbitmqPlace(url: string): Promise<RabbitmqPlace> {
  const raw = await connect(url);
  const { version } = raw.connection.serverProperties;
  return {
    name: 'RabbitMQ',
    server: `RabbitMQ ${version}, quorum queues, one node`,
    connect: async (settings) => ({
      driver: createRabbitMqDriver(settings, { url }),
      usual: await usualClient(await connect(url), settings.namespace),
    }),
    sweep: (namespace) => sweepRabbitmq(raw, namespace, [`grp.${GROUP}`], { lanes: LANES }),
    async bareQueue() {
      const model = await connect(url);
      const channel = await model.createConfirmChannel();
      const { queue } = await channel.assertQueue(`bench-${process.pid}-bare`, {
        arguments: { 'x-queue-type': 'quorum' },
      });
      return {
        publish: (event) => publish(channel, '', queue, event),
        async close() {
          await channel.deleteQueue(queue);
          await model.close();
        },
      };
    },
    close: () => raw.close(),
  };
}

/** A confirm channel, pipelined; and one `ack` a message. */
async function usualClient(model: ChannelModel, namespace: string): Promise<UsualClient> {
  const publishing = await model.createConfirmChannel();
  return {
    publish: (event) =>
      publish(publishing, `${namespace}.evt`, `${laneOf(event.partitionkey, LANES)}.${event.type}`, event),
    async consume(handle, lane) {
      const channel = await model.createChannel();
      await channel.prefetch(lane === undefined ? IN_FLIGHT : 1);
      await channel.consume(`${namespace}.grp.${GROUP}.${lane ?? 'all'}`, (message) => {
        if (message === null) return;
        handle(JSON.parse(message.content.toString()) as CloudEvent);
        channel.ack(message);
      });
    },
    close: () => model.close(),
  };
}

function publish(channel: ConfirmChannel, exchange: string, key: string, event: CloudEvent): Promise<void> {
  const properties = {
    mandatory: true,
    persistent: true,
    messageId: event.id,
    type: event.type,
    contentType: 'application/cloudevents+json',
    timestamp: Math.floor(Date.parse(event.time ?? '') / 1_000),
    headers: { traceparent: event.traceparent },
  };
  return new Promise((resolve, reject) => {
    channel.publish(exchange, key, Buffer.from(JSON.stringify(event)), properties, (error) =>
      error instanceof Error ? reject(error) : resolve(),
    );
  });
}
