import { randomBytes } from 'node:crypto';
import { createRabbitMqDriver } from '@waggle/adapter-rabbitmq';
import { connect } from 'amqplib';
import type { ChannelModel, Message } from 'amqplib';
import { startPrivateServer } from '../../servers/servers.ts';
import type { PrivateRabbitmq } from '../../servers/servers.ts';
import { sweepRabbitmq } from '../../servers/sweep-rabbitmq.ts';
import type { ContractHarness, ForeignClient, Limits, SettingsOverrides } from '../suite/index.ts';
import { override } from '../suite/pass-through.ts';
import { prefixed } from './prefixed.ts';
import { contractSettings } from './settings.ts';
import { openTcpLink } from './tcp-link.ts';

const SECRET = `secret-${randomBytes(6).toString('hex')}`;
/** Publishing to the stream's exchange needs the permission to write there; binding queues needs it on the queues only. */
const ALL_BUT_THE_STREAM = '^(?!.*\\.evt$).*$';

/** RabbitMQ, on the server at `url`. */
export async function rabbitmqHarness(url: string, limits: Partial<Limits> = {}): Promise<ContractHarness> {
  const raw = await connect(url);
  const ends: (() => Promise<unknown>)[] = [() => raw.close()];
  /** Groups and contexts of each namespace: without the management API nobody else can tell what there is to remove. */
  const declared = new Map<string, Set<string>>();
  const driverAt = (where: string) => (overrides: SettingsOverrides) => {
    const driver = createRabbitMqDriver(contractSettings(overrides), { url: where, shareIntervalMs: 200 });
    const names = declared.get(overrides.namespace) ?? new Set();
    declared.set(overrides.namespace, names);
    return override(driver, {
      declare(topology) {
        for (const context of topology.queues ?? []) names.add(`cmd.${context}`);
        for (const { group } of topology.groups ?? []) names.add(`grp.${group}`);
        return driver.declare(topology);
      },
    });
  };

  async function link() {
    const tcp = await openTcpLink(url);
    return { ...tcp, driver: driverAt(tcp.through(url)) };
  }

  async function privateServer() {
    const { url: where, restart, kill, stop } = await startPrivateServer('rabbitmq');
    return { driver: driverAt(where), restart, kill, stop };
  }

  // It takes seconds to start, and the tests that want it do not disturb each other.
  let guarded: Promise<PrivateRabbitmq> | undefined;
  async function startGuarded(): Promise<PrivateRabbitmq> {
    const server = await startPrivateServer('rabbitmq');
    ends.push(() => server.stop());
    await server.ctl('add_user', 'publisher', SECRET);
    await server.ctl('set_permissions', 'publisher', '.*', ALL_BUT_THE_STREAM, '.*');
    return server;
  }
  async function restricted() {
    guarded ??= startGuarded();
    const server = new URL((await guarded).url);
    const as = (username: string, password: string) =>
      driverAt(Object.assign(new URL(server), { username, password }).href);
    return {
      publisher: as('publisher', SECRET),
      intruder: as('publisher', `not-${SECRET}`),
      close: async () => undefined,
    };
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
    faults: { link, privateServer, restricted, foreign: async (namespace) => foreignClient(raw, namespace) },
    async sweep(namespace) {
      await sweepRabbitmq(raw, namespace, declared.get(namespace) ?? []);
      declared.delete(namespace);
    },
    async close() {
      for (const end of ends.toReversed()) await end();
    },
  };
}

const countsReleases = ({ connection }: ChannelModel): boolean =>
  Number.parseInt(connection.serverProperties.version, 10) < 4;

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
