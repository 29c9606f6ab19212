import type { RawPublisher } from '@waggle/test/adapter';
import { connect as connectNats, headers as createHeaders } from 'nats';
import { connectionTo } from './sweep.ts';

const CONTENT_TYPE = 'application/cloudevents+json';

/** Tries once to connect. */
export async function natsRawPublisher(
  url: string,
  namespace: string,
  timeoutMs = 1_000,
): Promise<RawPublisher> {
  const client = await connectNats({ ...connectionTo(url), reconnect: false });
  const jetstream = client.jetstream({ timeout: timeoutMs });
  return {
    server: `NATS ${client.info?.version}`,
    publish(lane, type, body) {
      const headers = createHeaders();
      headers.set('Content-Type', CONTENT_TYPE);
      return jetstream.publish(`${namespace}.evt.${lane}.${type}`, body, { headers });
    },
    close: () => client.close(),
  };
}
