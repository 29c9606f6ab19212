import type { ForeignClient, ForeignMessage } from '@waggle/test/adapter';
import type { JsMsg } from 'nats';
import { AckPolicy, connect as connectNats, headers as natsHeaders } from 'nats';

const parse = (body: Uint8Array): Readonly<Record<string, unknown>> =>
  JSON.parse(new TextDecoder().decode(body));

/** Pulls, and reads a stream, as the client's documentation says. */
export async function natsForeignClient(
  url: string,
  namespace: string,
  lanesCount: number,
): Promise<ForeignClient> {
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
