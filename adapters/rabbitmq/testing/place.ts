import { connect, type ChannelModel, type ConfirmChannel } from 'amqplib';
import type { CloudEvent } from '@waggle/kernel';
import { laneOf } from '@waggle/messaging';
import type { Contest, Counts, Place, UsualClient } from '@waggle/test/adapter';
import { publish as publishing } from '@waggle/test/bench/contests';
import { eventOf, GROUP, IN_FLIGHT, inFlight, manyOf, perSecond } from '@waggle/test/bench/load';
import { LANES } from '@waggle/test/bench/rig';
import { createRabbitMqDriver } from '../src/index.ts';
import { sweepRabbitmq } from './sweep.ts';

/** Publishes, confirmed and pipelined, to a quorum queue that nothing else is behind: no log, no exchange. */
interface BareQueue {
  publish(event: CloudEvent): Promise<void>;
  close(): Promise<void>;
}

export async function rabbitmqPlace(url: string): Promise<Place> {
  const raw = await connect(url);
  const { version } = raw.connection.serverProperties;
  const place: Place = {
    name: 'RabbitMQ',
    server: `RabbitMQ ${version}, quorum queues, one node`,
    promised: { publish: 0.95, backlog: 1.2, endToEnd: 1.1 },
    connect: async (settings) => ({
      driver: createRabbitMqDriver(settings, { url }),
      usual: await usualClient(await connect(url), settings.namespace),
    }),
    sweep: (namespace) => sweepRabbitmq(raw, namespace, [`grp.${GROUP}`], { lanes: LANES }),
    further: (counts) => [priceOfTheLog(place, () => openBareQueue(url), counts)],
    close: () => raw.close(),
  };
  return place;
}

async function openBareQueue(url: string): Promise<BareQueue> {
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
}

/** What the log costs: the same events to a group and the log, and to a quorum queue that has nothing beside it. */
function priceOfTheLog(place: Place, bareQueue: () => Promise<BareQueue>, { count }: Counts): Contest {
  return {
    title: 'The price of the log: confirmed publish to log and group, against a quorum queue alone',
    ours: { name: 'log and group', run: () => publishing(place, 'ours', count) },
    other: {
      name: 'a queue alone',
      async run() {
        const bare = await bareQueue();
        const events = manyOf(count, eventOf);
        const speed = await perSecond(count, () => inFlight(events, bare.publish));
        await bare.close();
        return speed;
      },
    },
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
