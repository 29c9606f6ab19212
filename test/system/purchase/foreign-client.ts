import { connect as connectRabbit } from 'amqplib';
import type { Message } from 'amqplib';
import type { JsMsg } from 'nats';
import { AckPolicy, connect as connectNats, headers as natsHeaders } from 'nats';

/** The wire as somebody sees it who has nothing but docs/wire.md and a client library. */
export interface ForeignMessage {
  readonly contentType: string | undefined;
  readonly messageId: string | undefined;
  readonly traceparent: string | undefined;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface ForeignClient {
  /** Takes the next command off the queue of a context, whichever lane it is in, for good. */
  takeCommand(context: string): Promise<ForeignMessage>;
  /** The first event of this type in the stream. */
  firstEvent(type: string): Promise<ForeignMessage>;
  /** Publishes in the binary mode of CloudEvents, without order. */
  publishBinaryEvent(attributes: Readonly<Record<string, string>>, data: unknown): Promise<void>;
  close(): Promise<void>;
}

export function foreignClient(
  broker: 'nats' | 'rabbitmq',
  environment: Readonly<Record<string, string>>,
): Promise<ForeignClient> {
  const { NAMESPACE: namespace = '', NATS_URL = '', RABBITMQ_URL = '', LANES } = environment;
  return broker === 'nats'
    ? onNats(NATS_URL, namespace, Number(LANES))
    : onRabbit(RABBITMQ_URL, namespace, Number(LANES));
}

const parse = (body: Uint8Array): Readonly<Record<string, unknown>> =>
  JSON.parse(new TextDecoder().decode(body));

async function onNats(url: string, namespace: string, lanesCount: number): Promise<ForeignClient> {
  const connection = await connectNats({ servers: new URL(url).host });
  const stream = connection.jetstream();
  const manager = await connection.jetstreamManager();

  /** Each lane of a queue has one durable consumer; whoever pulls from it takes part. */
  async function takeCommand(context: string): Promise<ForeignMessage> {
    const lanes = ['unordered', ...Array(lanesCount).keys()];
    const { promise: first, resolve } = Promise.withResolvers<JsMsg>();
    const pulls = await Promise.all(
      lanes.map(async (lane) => {
        const consumer = await stream.consumers.get(`${namespace}_cmd_${context}`, `lane_${lane}`);
        return consumer.consume({ max_messages: 1, callback: resolve });
      }),
    );
    const message = await first;
    await message.ackAck();
    await Promise.all(pulls.map((pull) => pull.close()));
    return fromNats(message.headers, message.data);
  }

  return {
    takeCommand,
    async firstEvent(type) {
      const name = `foreign_${crypto.randomUUID()}`;
      const filter_subject = `${namespace}.evt.*.${type}`;
      await manager.consumers.add(`${namespace}_evt`, {
        name,
        durable_name: name,
        filter_subject,
        ack_policy: AckPolicy.None,
      });
      const message = await (await stream.consumers.get(`${namespace}_evt`, name)).next({ expires: 10_000 });
      if (message === null) throw new Error(`no ${type} in 10 s`);
      return fromNats(message.headers, message.data);
    },
    async publishBinaryEvent(attributes, data) {
      const headers = natsHeaders();
      headers.set('Content-Type', 'application/json');
      for (const [name, value] of Object.entries(attributes)) headers.set(`ce-${name}`, value);
      await stream.publish(`${namespace}.evt.unordered.${attributes['type']}`, JSON.stringify(data), {
        headers,
      });
    },
    close: () => connection.close(),
  };
}

function fromNats(headers: ReturnType<typeof natsHeaders> | undefined, body: Uint8Array): ForeignMessage {
  const header = (name: string): string | undefined => headers?.get(name) || undefined;
  return {
    contentType: header('Content-Type'),
    messageId: header('Nats-Msg-Id'),
    traceparent: header('traceparent'),
    body: parse(body),
  };
}

async function onRabbit(url: string, namespace: string, lanes: number): Promise<ForeignClient> {
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
