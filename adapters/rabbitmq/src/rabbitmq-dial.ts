import type { Writable } from 'node:stream';
import { type ChannelModel, connect, type Options, type SocketOptions } from 'amqplib';
import { MessagingError } from '@waggle/kernel';
import type { DriverSettings } from '@waggle/messaging';
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
}

const HEARTBEAT_S = 5;

/** Connects to a server, and checks its version. */
export async function dial(
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
  coalesceWrites(model);
  const { version } = model.connection.serverProperties;
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > 3 || (major === 3 && minor >= 10)) return model;
  await closed(model);
  throw new MessagingError('invalid', `[rabbitmq] the server is version ${version}: 3.10 is the oldest`);
}

/**
 * The client library writes each message and each acknowledgement by itself: a system call each. Whatever is written in one
 * go of the event loop leaves in one here, for half of its own time and less of the server's.
 */
function coalesceWrites({ connection }: ChannelModel): void {
  const { stream } = connection as { readonly stream?: Writable };
  if (stream === undefined) return;
  const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
  let corked = false;
  const uncork = (): void => {
    corked = false;
    stream.uncork();
  };
  stream.write = (...args: unknown[]): boolean => {
    if (!corked) {
      corked = true;
      stream.cork();
      process.nextTick(uncork);
    }
    return write(...args);
  };
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
