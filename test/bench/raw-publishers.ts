import { connect as connectAmqp } from 'amqplib';
import { connect as connectNats, headers as createHeaders } from 'nats';
import { connectionTo } from '../../adapters/nats/testing/sweep.ts';

export type BrokerKind = 'nats' | 'rabbitmq';

/** A broker's own client, which knows of Waggle what `docs/wire.md` says. Rejects what it cannot have confirmed. */
export interface RawPublisher {
  /** What the server is, with its version. */
  readonly server: string;
  publish(lane: number, type: string, body: string): Promise<unknown>;
  close(): Promise<unknown>;
}

const CONTENT_TYPE = 'application/cloudevents+json';

/** Tries once to connect. */
export const openRaw: Readonly<
  Record<BrokerKind, (url: string, namespace: string) => Promise<RawPublisher>>
> = {
  async nats(url, namespace) {
    const client = await connectNats({ ...connectionTo(url), reconnect: false });
    const jetstream = client.jetstream({ timeout: 1_000 });
    return {
      server: `NATS ${client.info?.version}`,
      publish(lane, type, body) {
        const headers = createHeaders();
        headers.set('Content-Type', CONTENT_TYPE);
        return jetstream.publish(`${namespace}.evt.${lane}.${type}`, body, { headers });
      },
      close: () => client.close(),
    };
  },
  async rabbitmq(url, namespace) {
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
  },
};
