import type { BrokerDriver, DriverSettings } from '@waggle/messaging';
import { onTestFinished } from 'vitest';
import { adaptersWith } from '../adapters/discover.ts';
import { serverUrl } from '../setup/server-url.ts';

/** Of every host that is tested, and of the demo. */
export const LANES = 4;

const found = (await adaptersWith('broker')).flatMap(({ name, part, testing: { server } }) =>
  part.use === undefined ? [] : [{ name, use: part.use, hasServer: server !== undefined }],
);

/** The brokers that outlive a process. */
export const durable: readonly string[] = found.map(({ name }) => name);

/** The brokers that every test of the system runs on, under the same name. */
export const brokers: readonly string[] = ['memory', ...durable];

/** Each with the next: two that one can move between, if there are two. */
export const moves = durable.map(
  (name, index) => [name, durable[(index + 1) % durable.length] ?? name] as const,
);

async function placeOf(broker: string) {
  const one = found.find(({ name }) => name === broker);
  if (one === undefined) throw new Error(`the adapter ${broker} has no broker.use for tests`);
  return { use: one.use, url: one.hasServer ? await serverUrl(broker) : '' };
}

/** Makes drivers on the server that the tests share. */
export async function driversOn(broker: string): Promise<(settings: DriverSettings) => BrokerDriver> {
  const { use, url } = await placeOf(broker);
  return use.drivers(url);
}

/**
 * The environment of a host on this broker, under a namespace of its own, on a server that the tests share. What the
 * namespace has there, `sources` (`grp.<group>`, `cmd.<context>`) included, is removed at the end of the test.
 */
export async function environmentFor(
  broker: string,
  sources: readonly string[] = [],
): Promise<Record<string, string>> {
  const environment = {
    BROKER: broker,
    NAMESPACE: `system-${crypto.randomUUID().slice(0, 8)}`,
    LANES: `${LANES}`,
    RETENTION_MAX_BYTES: '16777216',
    PORT: '0',
    LOG_LEVEL: 'silent',
  };
  if (broker === 'memory') return environment;
  const { use, url } = await placeOf(broker);
  onTestFinished(() => use.sweep(url, environment.NAMESPACE, { sources, lanes: LANES }));
  return { ...environment, ...use.environment(url) };
}
