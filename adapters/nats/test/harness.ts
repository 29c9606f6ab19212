import type {
  BrokerDriver,
  ConsumeOptions,
  Delivery,
  DriverConsumer,
  DriverSettings,
  OutgoingMessage,
} from '@waggle/messaging';
import { connect, type NatsConnection } from 'nats';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { silentLogger } from '@waggle/kernel';
import { startPrivateServer, type PrivateServer } from '@waggle/test/servers';
import { createNatsDriver, type NatsOptions } from '../src/index.ts';

let namespaces = 0;

export interface Bench {
  readonly url: string;
  readonly server: PrivateServer;
  namespace(): string;
  driver(settings?: Partial<DriverSettings>, options?: Partial<NatsOptions>): BrokerDriver;
  /** An open driver. */
  open(settings?: Partial<DriverSettings>): Promise<BrokerDriver>;
  /** A plain client of the same server, as a foreign program would have it. */
  raw(): Promise<NatsConnection>;
}

/** A server for the tests of one file, and drivers that are closed after each test. */
export function useServer(config?: string): Bench {
  let server: PrivateServer | undefined;
  const cleanUps: (() => Promise<unknown>)[] = [];
  const running = (): PrivateServer => {
    if (server === undefined) throw new Error('the server is started before the tests');
    return server;
  };
  beforeAll(async () => {
    server = await startPrivateServer('nats', config === undefined ? {} : { config });
  });
  afterEach(async () => {
    await Promise.all(cleanUps.splice(0).map((cleanUp) => cleanUp()));
  });
  afterAll(() => server?.stop());
  const bench: Bench = {
    get url() {
      return running().url;
    },
    get server() {
      return running();
    },
    namespace: () => `t${++namespaces}`,
    driver(settings = {}, options = {}) {
      const driver = createNatsDriver(
        {
          namespace: bench.namespace(),
          lanes: 4,
          retention: { maxAgeMs: 3_600_000, maxBytes: Infinity },
          maxMessageBytes: 1_048_576,
          requestTimeoutMs: 5000,
          leaseMs: 30_000,
          logger: silentLogger,
          ...settings,
        },
        { url: running().url, ...options },
      );
      cleanUps.push(() => driver.close());
      return driver;
    },
    async open(settings) {
      const driver = bench.driver(settings);
      await driver.open();
      return driver;
    },
    async raw() {
      const connection = await connect({ servers: running().url });
      cleanUps.push(() => connection.close());
      return connection;
    },
  };
  return bench;
}

let ids = 0;

export function event(fields: Partial<OutgoingMessage> = {}): OutgoingMessage {
  return {
    to: { kind: 'stream' },
    lane: 0,
    type: 'parcels.parcel-posted.v1',
    id: `id-${++ids}`,
    contentType: 'application/cloudevents+json',
    headers: {},
    body: new TextEncoder().encode('{}'),
    ...fields,
  };
}

export const groupSource = (group: string) => ({ kind: 'group', group }) as const;

/** What a consumer was handed, to be awaited one by one. */
export class Hands {
  readonly taken: Delivery[] = [];
  #waiting: ((delivery: Delivery) => void)[] = [];
  #unread: Delivery[] = [];

  readonly take = (delivery: Delivery): void => {
    this.taken.push(delivery);
    const next = this.#waiting.shift();
    if (next === undefined) this.#unread.push(delivery);
    else next(delivery);
  };
  next(): Promise<Delivery> {
    const delivery = this.#unread.shift();
    if (delivery !== undefined) return Promise.resolve(delivery);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
  get unread(): number {
    return this.#unread.length;
  }
}

export async function hands(
  driver: BrokerDriver,
  source: ConsumeOptions['source'],
  options: Partial<ConsumeOptions> = {},
): Promise<Hands & { consumer: DriverConsumer }> {
  const taken = new Hands();
  const consumer = await driver.consume(
    { source, ordering: 'by-key', concurrency: 10, ...options },
    taken.take,
  );
  return Object.assign(taken, { consumer });
}

/** Publishes, and insists on the confirmation. */
export async function publish(driver: BrokerDriver, ...messages: OutgoingMessage[]): Promise<void> {
  for (const outcome of await driver.publish(messages)) if (outcome !== undefined) throw outcome;
}
