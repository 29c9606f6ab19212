import type { ServerKind } from '../servers/servers.ts';
import { serverUrl } from '../setup/server-url.ts';

/** The brokers that every test of the system runs on, under the same name. */
export const brokers = ['memory', 'nats', 'rabbitmq'] as const;
export type Broker = (typeof brokers)[number];

const URL_SETTINGS = { nats: 'NATS_URL', rabbitmq: 'RABBITMQ_URL' } as const;

/** The environment of a host on this broker, under a namespace of its own, on a server that the tests share. */
export async function environmentFor(broker: Broker): Promise<Record<string, string>> {
  return {
    BROKER: broker,
    NAMESPACE: `system-${crypto.randomUUID().slice(0, 8)}`,
    LANES: '4',
    RETENTION_MAX_BYTES: '16777216',
    PORT: '0',
    LOG_LEVEL: 'silent',
    ...(broker !== 'memory' && { [URL_SETTINGS[broker]]: await serverUrl(broker satisfies ServerKind) }),
  };
}
