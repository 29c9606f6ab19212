import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { type Logger, MessagingError } from '@waggle/kernel';
import type { BrokerDriver, Delivery, DriverSettings, OutgoingMessage } from '@waggle/messaging';
import { type PrivateServer, startPrivateServer } from '@waggle/test/servers';
import { createRabbitMqDriver, type RabbitMqOptions } from '../src/index.ts';

export const uniqueNamespace = (): string => `t${randomBytes(5).toString('hex')}`;

const ignore = (): void => undefined;

export const settingsFor = (namespace: string, more: Partial<DriverSettings> = {}): DriverSettings => ({
  namespace,
  lanes: 2,
  retention: { maxAgeMs: 3_600_000, maxBytes: 100_000_000 },
  maxMessageBytes: 1_048_576,
  requestTimeoutMs: 10_000,
  leaseMs: 30_000,
  logger:
    process.env['SHOW_LOGS'] === undefined
      ? { debug: ignore, info: ignore, warn: ignore, error: ignore }
      : printing,
  ...more,
});

const printing: Logger = {
  debug: (...said) => console.log('debug', ...said),
  info: (...said) => console.log('info', ...said),
  warn: (...said) => console.log('warn', ...said),
  error: (...said) => console.log('error', ...said),
};

/** Drivers on one server, closed together. */
export function createStable(url: () => string) {
  const drivers: BrokerDriver[] = [];
  return {
    async open(
      namespace: string,
      settings: Partial<DriverSettings> = {},
      options: Partial<RabbitMqOptions> = {},
    ): Promise<BrokerDriver> {
      const driver = createRabbitMqDriver(settingsFor(namespace, settings), {
        url: url(),
        shareIntervalMs: 200,
        ...options,
      });
      drivers.push(driver);
      await driver.open();
      return driver;
    },
    async closeAll(): Promise<void> {
      await Promise.all(drivers.splice(0).map((driver) => driver.close()));
    },
  };
}

/** A server for a file of tests, and drivers on it that are closed after each of them. */
export function useServer() {
  let running: PrivateServer | undefined;
  const demand = (): PrivateServer => {
    if (running === undefined) throw new Error('the server runs in tests, and not before');
    return running;
  };
  const stable = createStable(() => demand().url);
  beforeAll(async () => {
    running = await startPrivateServer('rabbitmq');
  }, 60_000);
  afterEach(() => stable.closeAll());
  afterAll(() => running?.stop());
  return {
    stable,
    get server(): PrivateServer {
      return demand();
    },
  };
}

export const TYPE = 'parcels.parcel-posted.v1';

export const message = (id: string, more: Partial<OutgoingMessage> = {}): OutgoingMessage => ({
  to: { kind: 'stream' },
  lane: 0,
  type: TYPE,
  id,
  contentType: 'application/json',
  headers: {},
  body: Buffer.from(`{"id":"${id}"}`),
  ...more,
});

/** Publishes and throws what did not succeed. */
export async function mustPublish(
  driver: BrokerDriver,
  ...messages: readonly OutgoingMessage[]
): Promise<void> {
  for (const outcome of await driver.publish(messages)) if (outcome !== undefined) throw outcome;
}

/** Publishes until confirmed, as the relay above a driver does. */
export async function keepPublishing(driver: BrokerDriver, one: OutgoingMessage): Promise<void> {
  for (;;) {
    const [outcome] = await driver.publish([one]);
    if (outcome === undefined) return;
    if (outcome.code !== 'unavailable' && outcome.code !== 'timeout') throw outcome;
  }
}

/** Collects deliveries; `until` resolves as soon as what it asks holds. */
export function createInbox(onDelivery: (delivery: Delivery) => void = (delivery) => delivery.ack()) {
  const deliveries: Delivery[] = [];
  const waiting = new Set<() => void>();
  return {
    deliveries,
    ids: (): string[] => deliveries.map(({ message: { id } }) => id ?? ''),
    deliver(delivery: Delivery): void {
      deliveries.push(delivery);
      onDelivery(delivery);
      for (const check of waiting) check();
    },
    until(condition: (deliveries: readonly Delivery[]) => boolean): Promise<void> {
      return new Promise((resolve) => {
        const check = (): void => {
          if (!condition(deliveries)) return;
          waiting.delete(check);
          resolve();
        };
        waiting.add(check);
        check();
      });
    },
  };
}

export const codeOf = (error: unknown): string =>
  error instanceof MessagingError ? error.code : `not a MessagingError: ${String(error)}`;

/** The code a call fails with. */
export const failure = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'no failure',
    (error: unknown) => codeOf(error),
  );

export const GROUP = 'billing.place-order';
export const source = { kind: 'group', group: GROUP } as const;
type Ordering = 'by-key' | 'none';

export async function openWithGroup(
  stable: ReturnType<typeof createStable>,
  ordering: Ordering = 'by-key',
  namespace = uniqueNamespace(),
  lanes = 2,
): Promise<BrokerDriver> {
  const driver = await stable.open(namespace, { lanes });
  await driver.declare({ groups: [{ group: GROUP, types: [TYPE], from: 'new', ordering }] });
  return driver;
}

export const join = (
  driver: BrokerDriver,
  deliver: (delivery: Delivery) => void,
  ordering: Ordering = 'by-key',
  concurrency = 5,
) => driver.consume({ source, ordering, concurrency }, deliver);
