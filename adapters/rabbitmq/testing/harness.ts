import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { delayLevel, type Delivery } from '@waggle/messaging';
import { connect } from 'amqplib';
import type { ChannelModel, Message } from 'amqplib';
import type { ContractHarness, ForeignClient, Limits, Link, SettingsOverrides } from '@waggle/test/contract';
import { createAuthorities } from '@waggle/test/contract/authorities';
import { oneAtATime } from '@waggle/test/contract/one-at-a-time';
import { changingDeliveries, override, passDelivery } from '@waggle/test/contract/pass-through';
import { prefixed } from '@waggle/test/contract/prefixed';
import { contractSettings } from '@waggle/test/contract/settings';
import { openTcpLink } from '@waggle/test/contract/tcp-link';
import { startPrivateServer } from '@waggle/test/servers';
import { createRabbitMqDriver } from '../src/index.ts';
import { amqpPassage, type AmqpPassage } from './amqp-passage.ts';
import { CERTIFIED, openRabbitMqAccount, PUBLISHER, startGuardedNode, type GuardedNode } from './secured.ts';
import { sweepRabbitmq } from './sweep.ts';

const SECRET = `secret-${randomBytes(6).toString('hex')}`;
/** Of a group; tests use four lanes. */
const CONSUMED = ['members', 'all', 'unordered', '0', '1', '2', '3'];
const NOT_FOUND = 404;
/** A node of 3.10 saves after half a second which queues replicate: of what is younger when it is killed, nothing comes back. */
const SAVED_MS = 1_500;

interface Made {
  /** `grp.<group>` and `cmd.<context>`. */
  readonly sources: Set<string>;
  readonly delays: Set<number>;
}
const nothingMade = (): Made => ({ sources: new Set(), delays: new Set() });

/** RabbitMQ, on the server at `url`. */
export async function rabbitmqHarness(url: string, limits: Partial<Limits> = {}): Promise<ContractHarness> {
  const raw = await connect(url);
  const ends: (() => Promise<unknown>)[] = [() => raw.close()];
  /** Of each namespace: without the management API nobody else can tell what there is to remove. */
  const made = new Map<string, Made>();
  let declaredAt = 0;
  const driverAt = (where: string) => (overrides: SettingsOverrides) => {
    const driver = createRabbitMqDriver(contractSettings(overrides), { url: where, shareIntervalMs: 200 });
    const own = made.get(overrides.namespace) ?? nothingMade();
    made.set(overrides.namespace, own);
    const noting = (delivery: Delivery): Delivery => ({
      ...passDelivery(delivery),
      get isOver() {
        return delivery.isOver === true;
      },
      retry(delayMs) {
        own.delays.add(delayLevel(delayMs));
        delivery.retry(delayMs);
      },
    });
    return override(changingDeliveries(driver, noting), {
      async open(options) {
        await driver.open(options);
        declaredAt = performance.now();
      },
      async declare(topology) {
        for (const context of topology.queues ?? []) own.sources.add(`cmd.${context}`);
        for (const { group } of topology.groups ?? []) own.sources.add(`grp.${group}`);
        await driver.declare(topology);
        declaredAt = performance.now();
      },
    });
  };

  async function link(): Promise<Link> {
    const passages: AmqpPassage[] = [];
    const tcp = await openTcpLink(url, (client, server) => {
      const passage = amqpPassage(client, server);
      passages.push(passage);
      return passage;
    });
    return {
      ...tcp,
      driver: driverAt(tcp.through(url)),
      async closeChannels() {
        for (const passage of passages) passage.closeChannels();
      },
      async deleteConsumer(namespace, group) {
        for (const passage of passages) passage.cancelConsumers(`${namespace}.grp.${group}.`);
      },
      consumers: (namespace, group) => countConsumers(raw, `${namespace}.grp.${group}`),
    };
  }

  const privateServer = oneAtATime(async () => {
    const { url: where, restart, kill, stop } = await startPrivateServer('rabbitmq');
    ends.push(stop);
    const whenSaved = () => delay(declaredAt + SAVED_MS - performance.now());
    return { driver: driverAt(where), restart, kill: () => whenSaved().then(kill) };
  });

  // It takes seconds to start, and the tests that want it do not disturb each other.
  let guarded: Promise<GuardedNode> | undefined;
  async function startGuarded(): Promise<GuardedNode> {
    const authorities = await createAuthorities(CERTIFIED);
    ends.push(async () => authorities.remove());
    const node = await startGuardedNode(authorities, SECRET);
    ends.push(() => node.stop());
    return node;
  }
  async function restricted() {
    const { url: where } = await (guarded ??= startGuarded());
    const as = (password: string) =>
      driverAt(Object.assign(new URL(where), { username: PUBLISHER, password }).href);
    return { publisher: as(SECRET), intruder: as(`not-${SECRET}`), close: async () => undefined };
  }
  async function secured() {
    return openRabbitMqAccount(await (guarded ??= startGuarded()));
  }

  return {
    name: 'rabbitmq',
    limits: { deadlineMs: 30_000, leaseMs: 2_000, ...limits },
    declares: {
      ...(countsReleases(raw) && {
        'release-counts': 'before version 4, basic.nack counts as a delivery on quorum queues',
      }),
      'keeps-for-groups': 'a group that begins at "new" has queues of its own, which hold copies',
      'missed-is-a-bound': 'a pump that was overtaken knows offsets, of which some were markers',
    },
    driver: driverAt(url),
    reservedHeaders: ['x-death', 'x-delivery-count', 'x-stream-offset'],
    secrets: [SECRET, new URL(url).password],
    faults: {
      link,
      privateServer,
      restricted,
      secured,
      foreign: async (namespace) => foreignClient(raw, namespace),
    },
    async sweep(namespace) {
      const { sources, delays } = made.get(namespace) ?? nothingMade();
      made.delete(namespace);
      await sweepRabbitmq(raw, namespace, sources, { delays });
    },
    async close() {
      for (const end of ends.toReversed()) await end();
    },
  };
}

const countsReleases = ({ connection }: ChannelModel): boolean =>
  Number.parseInt(connection.serverProperties.version, 10) < 4;

/** Asks each queue on a channel of its own, as the server closes one that asks for a queue that is not there. */
async function countConsumers(raw: ChannelModel, base: string): Promise<number> {
  let count = 0;
  for (const queue of CONSUMED) {
    const channel = await raw.createChannel();
    channel.on('error', () => undefined);
    try {
      count += (await channel.checkQueue(`${base}.${queue}`)).consumerCount;
      await channel.close();
    } catch (error) {
      if ((error as { code?: unknown }).code !== NOT_FOUND) throw error;
    }
  }
  return count;
}

/** What the wire format promises to clients that are not ours. */
async function foreignClient(raw: ChannelModel, namespace: string): Promise<ForeignClient> {
  const channel = await raw.createConfirmChannel();
  return {
    async publish({ type, lane, contentType, headers, body }) {
      channel.publish(`${namespace}.evt`, `${lane}.${type}`, Buffer.from(body), {
        contentType,
        headers,
        persistent: true,
      });
      await channel.waitForConfirms();
    },
    async first() {
      await channel.prefetch(1);
      const { promise, resolve } = Promise.withResolvers<Message>();
      const first = (message: Message | null): void => {
        if (message !== null) resolve(message);
      };
      await channel.consume(`${namespace}.evt.log`, first, { arguments: { 'x-stream-offset': 'first' } });
      const { content, properties } = await promise;
      const headers = Object.fromEntries(
        Object.entries(properties.headers ?? {}).map(([name, value]) => [name, String(value)]),
      );
      return { headers, contentType: String(properties.contentType), body: content };
    },
    binaryHeaders: (attributes) =>
      ['cloudEvents_', 'cloudEvents:', 'ce-'].map((prefix) => prefixed(prefix, attributes)),
    close: () => channel.close(),
  };
}
