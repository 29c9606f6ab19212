import { onTestFinished } from 'vitest';
import { serverUrl } from '../setup/server-url.ts';
import { sweep } from './sweep.ts';

/** The brokers that every test of the system runs on, under the same name. */
export const brokers = ['memory', 'nats', 'rabbitmq'] as const;
export type Broker = (typeof brokers)[number];

const URL_SETTINGS = { nats: 'NATS_URL', rabbitmq: 'RABBITMQ_URL' } as const;

/**
 * The environment of a host on this broker, under a namespace of its own, on a server that the tests share. What the
 * namespace has there, `sources` (`grp.<group>`, `cmd.<context>`) included, is removed at the end of the test.
 */
export async function environmentFor(
  broker: Broker,
  sources: readonly string[] = [],
): Promise<Record<string, string>> {
  const environment = {
    BROKER: broker,
    NAMESPACE: `system-${crypto.randomUUID().slice(0, 8)}`,
    LANES: '4',
    RETENTION_MAX_BYTES: '16777216',
    PORT: '0',
    LOG_LEVEL: 'silent',
  };
  if (broker === 'memory') return environment;
  const url = await serverUrl(broker satisfies string);
  onTestFinished(() => sweep(broker, url, environment.NAMESPACE, sources));
  return {
    ...environment,
    [URL_SETTINGS[broker]]: url,
    // The server may be given, and beyond loopback: messages of tests are no secret.
    NATS_CLEARTEXT: 'anywhere',
    RABBITMQ_CLEARTEXT: 'anywhere',
  };
}
