import { isIP } from 'node:net';
import { checkServerIdentity } from 'node:tls';
import type { DriverSettings } from '@waggle/messaging';
import { connect, type ConnectionOptions, type JetStreamManager, type NatsConnection } from 'nats';
import { fail, isSilence, translate } from './nats-errors.ts';
import { percentDecode } from './nats-message.ts';
import { ensureStream } from './nats-streams.ts';

export interface NatsOptions {
  /** One or more servers, separated by commas: `nats://user:password@host:4222`. */
  readonly url: string;
  /** How the connection is called on the server. @default `waggle <namespace>` */
  readonly name?: string;
  /** Replicas of each stream in a cluster. @default 1 */
  readonly replicas?: number;
  /** What the client library takes beyond that, such as credentials and TLS files. @default none */
  readonly connection?: Partial<ConnectionOptions>;
}

/** What the connections of a driver share. */
export interface NatsContext {
  readonly settings: DriverSettings;
  readonly options: NatsOptions;
  /**
   * Up to where each consumer of this process knows everything to be settled, by the key of a line: a durable that
   * somebody deletes meanwhile goes on from here.
   */
  readonly floors: Set<Map<string, number>>;
  /** When each stream was created, by its name. */
  readonly created: Map<string, string>;
  /** The last connection, also for consumers that are paused and have not been attached to it. */
  current?: NatsLink;
}

/** `undefined` where nobody in this process consumes that line. */
export function floorOf({ floors }: NatsContext, key: string): number | undefined {
  const known = [...floors].flatMap((own) => own.get(key) ?? []);
  return known.length === 0 ? undefined : Math.max(...known);
}

/** One connection, to a server that has been checked. It ends with the client, which does not reconnect. */
export interface NatsLink extends NatsContext {
  readonly client: NatsConnection;
  readonly api: JetStreamManager;
  /** Told of each subject that may not be published to. */
  readonly refusals: Set<(subject: string) => void>;
}

/** NATS counts the headers of a message too. */
const ROOM_FOR_HEADERS = 1024;
const ENABLE = 'start the server with --jetstream, or enable it in its configuration';

/** Connects, and declares the stream and the dead letters. @throws MessagingError, and the client's errors */
export async function openLink(context: NatsContext): Promise<NatsLink> {
  const { settings, options } = context;
  const { leaseMs, requestTimeoutMs: timeout, namespace } = settings;
  const { servers = [], tls, ...credentials } = { ...parseServers(options.url), ...options.connection };
  const secured = tls && { ...tls, checkServerIdentity: identityOf([servers].flat()) };
  const client = await connect({
    name: options.name ?? `waggle ${namespace}`,
    timeout,
    pingInterval: Math.max(Math.floor(leaseMs / 3), 1000),
    maxPingOut: 2,
    noAsyncTraces: true,
    ...credentials,
    servers,
    ...(secured && { tls: secured }),
    reconnect: false,
  }).catch((error: unknown) => {
    throw translate(error, `connecting to ${String(servers)}`);
  });
  try {
    checkServer(client, settings);
    const api = await client.jetstreamManager({ checkAPI: false, timeout });
    const link: NatsLink = { ...context, client, api, refusals: new Set() };
    void watchRefusals(link);
    await ensureStream(link, { kind: 'stream' });
    await ensureStream(link, { kind: 'dead-letters' });
    if (context.current?.client.isClosed() !== false) context.current = link;
    return link;
  } catch (error) {
    await client.close();
    throw isSilence(error) ? fail('invalid', `JetStream does not answer: ${ENABLE}`, error) : error;
  }
}

/** The server tells what it did not permit apart from all else, and only the subject. Ends with the connection. */
async function watchRefusals({ client, refusals, settings }: NatsLink): Promise<void> {
  for await (const { permissionContext } of client.status()) {
    if (permissionContext === undefined) continue;
    const { operation, subject } = permissionContext;
    settings.logger.error('NATS refused a permission', { operation, subject });
    if (operation === 'publish') for (const tell of refusals) tell(subject);
  }
}

/**
 * Checks that a certificate names the server. Of a server that is given by its address the client tells TLS nothing, which
 * then looks for "localhost": the certificate has to name one of the addresses instead.
 */
export function identityOf(servers: readonly string[]): typeof checkServerIdentity {
  const hosts = servers.map((server) => server.replace(/:\d+$/, '').replace(/^\[|\]$/g, ''));
  return (name, certificate) => {
    const names = hosts.includes(name) ? [name] : hosts.filter((host) => isIP(host) > 0);
    const problems = names.map((host) => checkServerIdentity(host, certificate));
    return problems.includes(undefined) ? undefined : (problems[0] ?? checkServerIdentity(name, certificate));
  };
}

/** Resolves when the server has seen everything that was sent, or is gone. */
export async function roundTrip({ client }: NatsLink): Promise<void> {
  if (!client.isClosed()) await Promise.race([client.flush(), client.closed()]);
}

function checkServer({ info }: NatsConnection, { maxMessageBytes, logger }: DriverSettings): void {
  const { version = '0', max_payload: most = 0 } = info ?? {};
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isOld = major < 2 || (major === 2 && minor < 9);
  if (isOld) throw fail('invalid', `the server is version ${version}: Waggle needs 2.9 or newer`);
  const advice = `raise the server's max_payload above ${maxMessageBytes}, as it counts headers too`;
  if (most < maxMessageBytes) throw fail('invalid', `the server takes no more than ${most} bytes: ${advice}`);
  if (most < maxMessageBytes + ROOM_FOR_HEADERS) logger.warn(`large messages will be refused: ${advice}`);
}

/** Servers without their credentials, which the client takes separately. @throws MessagingError `invalid`, without the URL */
export function parseServers(url: string): Partial<ConnectionOptions> {
  const servers = url.split(',').map((part) => {
    const server = URL.parse(part.includes('://') ? part : `nats://${part.trim()}`);
    if (server === null) throw fail('invalid', 'not a URL: write nats://host:4222, several with commas');
    return server;
  });
  const { username = '', password = '' } = servers.find((each) => each.username !== '') ?? {};
  const user = percentDecode(username);
  const auth = password === '' ? { token: user } : { user, pass: percentDecode(password) };
  return {
    servers: servers.map(({ host }) => host),
    ...(user === '' ? {} : auth),
    ...(servers.some(({ protocol }) => protocol === 'tls:') ? { tls: {} } : {}),
  };
}
