import { randomBytes } from 'node:crypto';
import { credentials } from 'amqplib';
import type { Drivers, Permission, Secured } from '@waggle/test/contract';
import type { Authorities } from '@waggle/test/contract/authorities';
import { contractSettings } from '@waggle/test/contract/settings';
import { openTcpLink } from '@waggle/test/contract/tcp-link';
import { startPrivateServer } from '@waggle/test/servers';
import { freePort } from '@waggle/test/servers/tcp';
import { createRabbitMqDriver, type RabbitMqOptions } from '../src/index.ts';

/** A node that demands TLS and a client certificate. Its accounts are made over HTTP: the control program takes a second for each. */
export interface GuardedNode {
  /** Where it is reached without TLS. */
  readonly url: string;
  readonly securePort: number;
  readonly authorities: Authorities;
  readonly secret: string;
  setPassword(name: string, password: string): Promise<void>;
  setPermissions(name: string, permissions: Permissions): Promise<void>;
  stop(): Promise<void>;
}

type Permissions = readonly [configure: string, write: string, read: string];

/** The account that a certificate alone opens. */
export const CERTIFIED = 'certified';
/** May do everything but publish to the stream: binding queues needs the permission to write on the queues only. */
export const PUBLISHER = 'publisher';
const ALL = '.*';
const ALL_BUT_THE_STREAM = '^(?!.*\\.evt$).*$';
const ALL_BUT_THE_QUEUES = '^(?!.*\\.(grp|cmd)\\.).*$';
const ALL_BUT_THE_LOGS = '^(?!.*\\.(log|dead)$).*$';

const EVERYTHING: Permissions = [ALL, ALL, ALL];
const WITHOUT: Readonly<Record<Permission, Permissions>> = {
  declare: ['^$', ALL, ALL],
  publish: [ALL, ALL_BUT_THE_STREAM, ALL],
  consume: [ALL, ALL, ALL_BUT_THE_QUEUES],
  read: [ALL, ALL, ALL_BUT_THE_LOGS],
};

export async function startGuardedNode(authorities: Authorities, secret: string): Promise<GuardedNode> {
  const [securePort, httpPort] = [await freePort(), await freePort()];
  const { authority, server: own } = authorities;
  const server = await startPrivateServer('rabbitmq', {
    plugins: ['rabbitmq_auth_mechanism_ssl', 'rabbitmq_management'],
    config: `listeners.ssl.default = 127.0.0.1:${securePort}
ssl_options.cacertfile = ${authority.caFile}
ssl_options.certfile = ${own.certFile}
ssl_options.keyfile = ${own.keyFile}
ssl_options.verify = verify_peer
ssl_options.fail_if_no_peer_cert = true
ssl_cert_login_from = common_name
auth_mechanisms.1 = PLAIN
auth_mechanisms.2 = EXTERNAL
management.tcp.ip = 127.0.0.1
management.tcp.port = ${httpPort}
management_agent.disable_metrics_collector = true`,
  });
  const { username, password: given } = new URL(server.url);
  const headers = {
    authorization: `Basic ${Buffer.from(`${username}:${given}`).toString('base64')}`,
    'content-type': 'application/json',
  };
  async function put(path: string, body: object): Promise<void> {
    const url = `http://127.0.0.1:${httpPort}/api/${path}`;
    const response = await fetch(url, { method: 'PUT', headers, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`PUT ${path}: ${response.status} ${await response.text()}`);
  }
  const node: GuardedNode = {
    url: server.url,
    securePort,
    authorities,
    secret,
    setPassword: (name, password) => put(`users/${name}`, { password, tags: '' }),
    setPermissions: (name, [configure, write, read]) =>
      put(`permissions/%2F/${name}`, { configure, write, read }),
    stop: () => server.stop(),
  };
  await addAccount(node, CERTIFIED, EVERYTHING);
  await addAccount(node, PUBLISHER, WITHOUT.publish);
  return node;
}

async function addAccount(node: GuardedNode, name: string, permissions: Permissions): Promise<void> {
  await node.setPassword(name, node.secret);
  await node.setPermissions(name, permissions);
}

/** A new account, over a link of its own. */
export async function openRabbitMqAccount(node: GuardedNode): Promise<Secured> {
  const { securePort: port, authorities, secret } = node;
  const name = `account-${randomBytes(5).toString('hex')}`;
  await addAccount(node, name, EVERYTHING);
  const { authority, stranger, client, unknown } = authorities;
  const link = await openTcpLink(`amqps://127.0.0.1:${port}`);
  const showing = { ca: authority.cert, cert: client.cert, key: client.key };
  const at =
    (socket: NonNullable<RabbitMqOptions['socket']>, host = '127.0.0.1'): Drivers =>
    (overrides) =>
      createRabbitMqDriver(contractSettings(overrides), {
        url: link.through(`amqps://127.0.0.1:${port}`).replace('127.0.0.1', host),
        socket,
        shareIntervalMs: 200,
      });
  const plain = { credentials: credentials.plain(name, secret) };
  const external = { credentials: credentials.external() };

  /** The server looks at permissions and passwords when something is begun: so that it is begun anew. */
  async function change(changing: Promise<void>): Promise<void> {
    await changing;
    link.dropConnections();
  }

  return {
    driver: at({ ...showing, ...plain }),
    wrongCertificates: {
      'another authority': at({ ...showing, ...plain, ca: stranger.cert }),
      'another host': at({ ...showing, ...plain }, 'localhost'),
      'no certificate of the client': at({ ca: authority.cert, ...plain }),
    },
    credentials: {
      'user and password': {
        right: at({ ...showing, ...plain }),
        wrong: at({ ...showing, credentials: credentials.plain(name, `not-${secret}`) }),
      },
      'client certificate': {
        right: at({ ...showing, ...external }),
        wrong: at({ ...showing, cert: unknown.cert, key: unknown.key, ...external }),
      },
    },
    attempts: link.attempts,
    carried: link.carried,
    async lock() {
      await change(node.setPassword(name, `changed-${secret}`));
      return () => node.setPassword(name, secret);
    },
    async forbid(permission) {
      await change(node.setPermissions(name, WITHOUT[permission]));
      return () => node.setPermissions(name, EVERYTHING);
    },
    close: link.close,
  };
}
