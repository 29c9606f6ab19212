import { connect, headers as createHeaders } from 'nats';
import type { ConsumerMessages, NatsConnection } from 'nats';
import type { CloudEvent } from '@waggle/kernel';
import { laneOf } from '@waggle/messaging';
import type { Place, UsualClient } from '@waggle/test/adapter';
import { GROUP, IN_FLIGHT } from '@waggle/test/bench/load';
import { LANES } from '@waggle/test/bench/rig';
import { createNatsDriver } from '../src/index.ts';
import { connectionTo, sweepNats } from './sweep.ts';

export async function natsPlace(url: string): Promise<Place> {
  const raw = await connect(connectionTo(url));
  return {
    name: 'NATS JetStream',
    server: `nats-server ${raw.info?.version}, file storage`,
    promised: { publish: 1.5, backlog: 1.5, endToEnd: 1.5 },
    connect: async (settings) => ({
      driver: createNatsDriver(settings, { url }),
      usual: usualClient(await connect(connectionTo(url)), settings.namespace),
    }),
    sweep: (namespace) => sweepNats(raw, namespace),
    close: () => raw.close(),
  };
}

/** `jetstream.publish()`, and `for await` with `ack()`. */
function usualClient(client: NatsConnection, namespace: string): UsualClient {
  const jetstream = client.jetstream();
  const encoder = new TextEncoder();
  const decoder = new TextDecoder();
  let taking: ConsumerMessages | undefined;

  return {
    publish(event) {
      const headers = createHeaders();
      headers.set('Nats-Msg-Id', event.id);
      headers.set('Content-Type', 'application/cloudevents+json');
      headers.set('traceparent', event.traceparent ?? '');
      const subject = `${namespace}.evt.${laneOf(event.partitionkey, LANES)}.${event.type}`;
      return jetstream.publish(subject, encoder.encode(JSON.stringify(event)), { headers });
    },
    async consume(handle, lane) {
      const durable = `${GROUP.replace('.', '_')}_${lane ?? 'all'}`;
      const consumer = await jetstream.consumers.get(`${namespace}_evt`, durable);
      const messages = await consumer.consume({ max_messages: lane === undefined ? IN_FLIGHT : 1 });
      taking = messages;
      void (async () => {
        for await (const message of messages) {
          handle(JSON.parse(decoder.decode(message.data)) as CloudEvent);
          message.ack();
        }
      })();
    },
    async close() {
      await taking?.close();
      await client.drain();
    },
  };
}
