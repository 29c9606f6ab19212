import type { RawPublisher } from '@waggle/test/adapter';
import { connect as connectAmqp } from 'amqplib';

const CONTENT_TYPE = 'application/cloudevents+json';

/** Tries once to connect. */
export async function rabbitmqRawPublisher(url: string, namespace: string): Promise<RawPublisher> {
  const client = await connectAmqp(url);
  client.on('error', () => undefined);
  const channel = await client.createConfirmChannel();
  channel.on('error', () => undefined);
  return {
    server: `RabbitMQ ${client.connection.serverProperties.version}`,
    async publish(lane, type, body) {
      const options = { contentType: CONTENT_TYPE, type, persistent: true };
      channel.publish(`${namespace}.evt`, `${lane}.${type}`, Buffer.from(body), options);
      await channel.waitForConfirms();
    },
    close: () => client.close(),
  };
}
