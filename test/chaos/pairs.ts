import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectRabbit } from 'amqplib';
import { connect as connectNats } from 'nats';
import pg from 'pg';
import { connectionTo, sweepNats } from '../../adapters/nats/testing/sweep.ts';
import { sweepRabbitmq } from '../../adapters/rabbitmq/testing/sweep.ts';

import type { Broker, StoreKind } from './kinds.ts';
import { HOST_SETTINGS, LANES } from './mortal-host.ts';
import { processWorld } from './process-world.ts';
import { COUNT, TALLY } from './service.ts';
import type { World } from './world.ts';

export interface Pair {
  readonly broker: Broker;
  readonly store: StoreKind;
}

export const pairs: readonly Pair[] = [
  { broker: 'nats', store: 'sqlite' },
  { broker: 'rabbitmq', store: 'postgres' },
  { broker: 'nats', store: 'postgres' },
  { broker: 'rabbitmq', store: 'sqlite' },
];

/** Where a server of this kind is; started when it is first asked for. */
export type UrlOf = (kind: string) => Promise<string>;

/** What a part of a pair needs in the environment, and how what a case left there is removed. */
interface Place {
  readonly environment: Readonly<Record<string, string>>;
  sweep(): Promise<void>;
}

const SOURCES = [`grp.${COUNT}`, `grp.${TALLY}`];

const places: Readonly<Record<Broker | StoreKind, (urlOf: UrlOf, namespace: string) => Promise<Place>>> = {
  async nats(urlOf, namespace) {
    const url = await urlOf('nats');
    return {
      environment: { NATS_URL: url },
      sweep: () => using(connectNats(connectionTo(url)), (raw) => sweepNats(raw, namespace)),
    };
  },
  async rabbitmq(urlOf, namespace) {
    const url = await urlOf('rabbitmq');
    const sweep = { lanes: LANES, delays: [] };
    return {
      environment: { RABBITMQ_URL: url },
      sweep: () => using(connectRabbit(url), (raw) => sweepRabbitmq(raw, namespace, SOURCES, sweep)),
    };
  },
  async postgres(urlOf, namespace) {
    const url = await urlOf('postgres');
    return { environment: { DATABASE_URL: url }, sweep: () => dropSchema(url, namespace) };
  },
  async sqlite() {
    const folder = await mkdtemp(join(tmpdir(), 'waggle-chaos-'));
    return {
      environment: { SQLITE_FILE: join(folder, 'chaos.sqlite') },
      sweep: () => rm(folder, { recursive: true }),
    };
  },
};

async function dropSchema(url: string, schema: string): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    await client.query(`drop schema if exists "${schema}" cascade`);
  } finally {
    await client.end();
  }
}

async function using<Raw extends { close(): Promise<void> }>(
  connecting: Promise<Raw>,
  work: (raw: Raw) => Promise<void>,
): Promise<void> {
  const raw = await connecting;
  try {
    await work(raw);
  } finally {
    await raw.close();
  }
}

/** A namespace of its own on real servers. */
export async function openPair({ broker, store }: Pair, urlOf: UrlOf): Promise<World> {
  const NAMESPACE = `chaos-${crypto.randomUUID().slice(0, 8)}`;
  const onBroker = await places[broker](urlOf, NAMESPACE);
  const onStore = await places[store](urlOf, NAMESPACE);
  const environment = {
    ...HOST_SETTINGS,
    ...onBroker.environment,
    ...onStore.environment,
    BROKER: broker,
    STORE: store,
    NAMESPACE,
    LOG_LEVEL: 'info',
  };
  return processWorld(environment, async () => {
    await Promise.all([onBroker.sweep(), onStore.sweep()]);
  });
}
