import { randomBytes } from 'node:crypto';
import { connect, headers as natsHeaders } from 'nats';
import type { ConsumerInfo, NatsConnection } from 'nats';
import type { ContractHarness, ForeignClient, Limits, Link, SettingsOverrides } from '@waggle/test/contract';
import { createAuthorities, type Authorities } from '@waggle/test/contract/authorities';
import { oneAtATime } from '@waggle/test/contract/one-at-a-time';
import { prefixed } from '@waggle/test/contract/prefixed';
import { contractSettings } from '@waggle/test/contract/settings';
import { openTcpLink } from '@waggle/test/contract/tcp-link';
import { startPrivateServer } from '@waggle/test/servers';
import { createNatsDriver, type NatsOptions } from '../src/index.ts';
import { openNatsAccount } from './secured.ts';
import { connectionTo, sweepNats } from './sweep.ts';

/** Given to servers that ask for none: it has to stay out of logs all the same. */
const SECRET = `secret-${randomBytes(6).toString('hex')}`;

/** NATS JetStream, on the server at `url`. */
export async function natsHarness(url: string, limits: Partial<Limits> = {}): Promise<ContractHarness> {
  const raw = await connect(connectionTo(url));
  const ends: (() => Promise<unknown>)[] = [() => raw.close()];
  const driverAt =
    (where: string, connection?: NatsOptions['connection']) => (overrides: SettingsOverrides) =>
      createNatsDriver(contractSettings(overrides), { url: where, ...(connection && { connection }) });
  const withSecret = secretUrl(url);

  async function link(): Promise<Link> {
    const tcp = await openTcpLink(url);
    const inboxPrefix = `_INBOX.${randomBytes(6).toString('hex')}`;
    const requests = await watchRequests(raw, inboxPrefix);
    return {
      ...tcp,
      driver: driverAt(tcp.through(withSecret), { inboxPrefix }),
      closeChannels: requests.end,
      async deleteConsumer(namespace, group) {
        const { consumers } = await raw.jetstreamManager();
        for (const { stream_name: stream, name } of await durablesOf(raw, namespace, group)) {
          await consumers.delete(stream, name);
        }
      },
      async consumers(namespace, group) {
        const durables = await durablesOf(raw, namespace, group);
        return durables.reduce((sum, { num_waiting: waiting }) => sum + waiting, 0);
      },
      async close() {
        requests.stop();
        await tcp.close();
      },
    };
  }

  const privateServer = oneAtATime(async () => {
    const { url: where, restart, kill, stop } = await startPrivateServer('nats');
    ends.push(stop);
    return { driver: driverAt(where), restart, kill };
  });

  async function restricted() {
    const config = `authorization { users = [
      { user: "publisher", password: "${SECRET}", permissions: { publish: { deny: ["*.evt.>"] } } }
    ] }`;
    const server = await startPrivateServer('nats', { config });
    const as = (user: string, password: string) =>
      driverAt(server.url.replace('//', `//${user}:${password}@`));
    return {
      publisher: as('publisher', SECRET),
      intruder: as('publisher', `not-${SECRET}`),
      close: () => server.stop(),
    };
  }

  let authorities: Promise<Authorities> | undefined;
  async function secured() {
    authorities ??= createAuthorities('waggle');
    return openNatsAccount(await authorities, SECRET);
  }

  return {
    name: 'nats',
    limits: { deadlineMs: 30_000, leaseMs: 2_000, ...limits },
    declares: {
      'release-counts': 'a NAK counts as a delivery, whatever its reason',
      'missed-is-a-bound': 'the server does not tell which of the discarded messages were those of a lane',
      'held-by-lease': 'the server knows a delivery by its reply subject, on whatever connection',
    },
    driver: driverAt(withSecret),
    reservedHeaders: [
      'nats-msg-id',
      'nats-rollup',
      'nats-expected-stream',
      'nats-expected-last-sequence',
      'content-type',
    ],
    secrets: [SECRET, new URL(withSecret).password],
    faults: {
      link,
      privateServer,
      restricted,
      secured,
      foreign: async (namespace) => foreignClient(raw, namespace),
    },
    sweep: (namespace) => sweepNats(raw, namespace),
    async close() {
      for (const end of ends.toReversed()) await end();
      (await authorities)?.remove();
    },
  };
}

/** The durables of a group. */
async function durablesOf(raw: NatsConnection, namespace: string, group: string) {
  const { consumers } = await raw.jetstreamManager();
  const found: ConsumerInfo[] = [];
  for await (const info of consumers.list(`${namespace}_evt`)) {
    if (info.name.startsWith(`${group.replace('.', '_')}_`)) found.push(info);
  }
  return found;
}

/**
 * NATS has no channels: the requests for messages come nearest. Hears those whose answers go below a prefix, and ends them
 * with what the server says when it gives them up.
 */
async function watchRequests(raw: NatsConnection, prefix: string) {
  const replies = new Map<string, string>();
  const heard = raw.subscribe('$JS.API.CONSUMER.MSG.NEXT.>', {
    callback: (_, { subject, reply = '' }) => void (reply.startsWith(prefix) && replies.set(subject, reply)),
  });
  await raw.flush();
  return {
    async end() {
      await raw.flush();
      const headers = natsHeaders(409, 'Server Shutdown');
      for (const reply of replies.values()) raw.publish(reply, new Uint8Array(), { headers });
      await raw.flush();
    },
    stop: () => heard.unsubscribe(),
  };
}

/** What the wire format promises to clients that are not ours. */
function foreignClient(raw: NatsConnection, namespace: string): ForeignClient {
  return {
    async publish({ type, lane, contentType, headers, body }) {
      const all = natsHeaders();
      all.append('Content-Type', contentType);
      for (const [name, value] of Object.entries(headers)) all.append(name, value);
      await raw.jetstream().publish(`${namespace}.evt.${lane}.${type}`, body, { headers: all });
    },
    async first() {
      const api = await raw.jetstreamManager();
      const { header, data } = await api.streams.getMessage(`${namespace}_evt`, { seq: 1 });
      const headers = Object.fromEntries([...header].map(([name, values]) => [name, values[0] ?? '']));
      return { headers, contentType: header.get('Content-Type'), body: data };
    },
    binaryHeaders: (attributes) => [prefixed('ce-', attributes)],
    close: async () => undefined,
  };
}

function secretUrl(url: string): string {
  const changed = new URL(url);
  if (changed.username === '') [changed.username, changed.password] = ['contract', SECRET];
  return changed.href;
}
