import type { ForeignClient, ForeignMessage } from '@waggle/test/adapter';
import { connect as connectRabbit } from 'amqplib';
import type { Message } from 'amqplib';

const parse = (body: Uint8Array): Readonly<Record<string, unknown>> =>
  JSON.parse(new TextDecoder().decode(body));

/** Consumes queues, and reads a stream, as the client's documentation says. */
export async function rabbitmqForeignClient(
  url: string,
  namespace: string,
  lanes: number,
): Promise<ForeignClient> {
  const connection = await connectRabbit(url);
  const channel = await connection.createConfirmChannel();

  return {
    takeCommand(context) {
      return new Promise((resolve, reject) => {
        for (const lane of ['unordered', ...Array(lanes).keys()]) {
          const queue = `${namespace}.cmd.${context}.${lane}`;
          channel.consume(queue, (message) => message && resolve(taken(message))).catch(reject);
        }
      });
    },
    async firstEvent(type) {
      const reader = await connection.createChannel();
      await reader.prefetch(10);
      const { promise: first, resolve } = Promise.withResolvers<ForeignMessage>();
      const look = (message: Message | null): void => {
        if (message === null) return;
        reader.ack(message);
        if (message.properties.type === type) resolve(fromRabbit(message));
      };
      await reader.consume(`${namespace}.evt.log`, look, { arguments: { 'x-stream-offset': 'first' } });
      const found = await first;
      await reader.close();
      return found;
    },
    async publishBinaryEvent({ id = '', type = '', ...attributes }, data) {
      const headers = Object.fromEntries(
        Object.entries({ id, type, ...attributes }).map(([name, value]) => [`cloudEvents_${name}`, value]),
      );
      channel.publish(`${namespace}.evt`, `unordered.${type}`, Buffer.from(JSON.stringify(data)), {
        contentType: 'application/json',
        persistent: true,
        headers,
      });
      await channel.waitForConfirms();
    },
    close: () => connection.close(),
  };

  function taken(message: Message): ForeignMessage {
    channel.ack(message);
    return fromRabbit(message);
  }
}

function fromRabbit({ properties, content }: Message): ForeignMessage {
  return {
    contentType: properties.contentType,
    messageId: properties.messageId,
    traceparent: properties.headers?.['traceparent'],
    body: parse(content),
  };
}
