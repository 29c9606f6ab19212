import { type ChannelModel, connect, type Options, type SocketOptions } from 'amqplib';
import { MessagingError } from '@waggle/kernel';
import { coalesceWrites, type Corkable, type DriverSettings } from '@waggle/messaging';
import { closed } from './rabbitmq-channel.ts';
import { translate } from './rabbitmq-errors.ts';

export interface RabbitMqOptions {
  /** `amqp[s]://user:password@host:port/vhost`. Without credentials: guest. */
  readonly url: string;
  /** Shown as the connection's name by the server. @default 'waggle' */
  readonly name?: string;
  /** Options of the socket, such as TLS files. */
  readonly socket?: SocketOptions;
  /** How often a member of a group works out its share of the lanes. @default 1_000 */
  readonly shareIntervalMs?: number;
  /**
   * Whether opening creates every delay level that the usual curve of retries needs, for processes that only bind. It is done
   * once a namespace. @default false: a level is created when the first message needs it
   */
  readonly delaysAhead?: boolean;
}

const HEARTBEAT_S = 5;

/** Two connections, or none. @throws MessagingError */
export async function dialTwice(
  ...[target, settings, options]: Parameters<typeof dial>
): Promise<readonly [ChannelModel, ChannelModel]> {
  const first = await dial(target, settings, options);
  try {
    return [first, await dial(target, settings, options)];
  } catch (error) {
    await closed(first);
    throw error;
  }
}

/** Connects to a server, and checks its version. */
async function dial(
  target: Options.Connect,
  { requestTimeoutMs: timeout }: DriverSettings,
  { name = 'waggle', socket }: RabbitMqOptions,
): Promise<ChannelModel> {
  const clientProperties = { connection_name: name, ...socket?.clientProperties };
  const connecting = connect(target, { noDelay: true, timeout, ...socket, clientProperties });
  const model = await connecting.catch((error: unknown) => {
    throw translate(error, `connecting to ${target.hostname}:${target.port}`);
  });
  model.on('error', () => undefined); // is told again by 'close'
  const { stream } = model.connection as { readonly stream?: Corkable };
  if (stream !== undefined) coalesceWrites(stream);
  const { version } = model.connection.serverProperties;
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > 3 || (major === 3 && minor >= 10)) return model;
  await closed(model);
  throw new MessagingError('invalid', `[rabbitmq] the server is version ${version}: 3.10 is the oldest`);
}

/** Takes the URL apart ourselves: an error of the platform's parser would quote it, with the password. @throws MessagingError `invalid` */
export function parseUrl(text: string): Options.Connect {
  try {
    const { protocol, hostname, port, pathname, username, password } = new URL(text);
    if (!/^amqps?:$/.test(protocol) || hostname === '') throw new Error('another protocol, or no host');
    return {
      protocol: protocol.slice(0, -1),
      hostname: hostname.replace(/^\[|\]$/g, ''),
      heartbeat: HEARTBEAT_S,
      vhost: pathname.slice(1),
      port: Number(port || (protocol === 'amqps:' ? 5671 : 5672)),
      username: decodeURIComponent(username || 'guest'),
      password: decodeURIComponent(username + password === '' ? 'guest' : password),
    };
  } catch {
    const advice = 'write amqp://user:password@host:port/vhost, special characters as %XX';
    throw new MessagingError('invalid', `[rabbitmq] the URL is not valid: ${advice}`);
  }
}
