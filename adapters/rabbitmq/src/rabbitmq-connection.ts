import { setTimeout as sleep } from 'node:timers/promises';
import { type ChannelModel, connect, type Options, type SocketOptions } from 'amqplib';
import { MessagingError, messageOf } from '@waggle/kernel';
import type { DriverSettings, DriverStatus } from '@waggle/messaging';
import { closedError, translate } from './rabbitmq-errors.ts';

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

export interface OpenOptions {
  readonly waitMs?: number;
  readonly signal?: AbortSignal;
}

/** One connection that comes back by itself. Channels do not: see `keepChannel`. */
export interface RabbitMqConnection {
  readonly status: DriverStatus;
  /** Version of the server last connected to. */
  readonly serverVersion: string;
  /** Connects for the first time. After a failure it can be tried again. */
  open(options: OpenOptions): Promise<void>;
  /** The live connection; waits for it, at most `waitMs`. @throws MessagingError `unavailable`, `closed` */
  model(waitMs: number): Promise<ChannelModel>;
  /** Back to `new`: for an `open` that failed later on. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

const HEARTBEAT_S = 5;
const OLDEST = [3, 10] as const;

/** Our own reconnect loop: the library's would also retry refused credentials, and hides which connection is meant. */
export function createConnection(settings: DriverSettings, options: RabbitMqOptions): RabbitMqConnection {
  const target = parseUrl(options.url);
  const { logger } = settings;
  const waiting = new Set<() => void>();
  const stop = new AbortController();
  let status: DriverStatus = 'new';
  let model: ChannelModel | undefined;
  let serverVersion = '';

  const connecting = `connecting to ${target.hostname}:${target.port ?? 'the default port'}`;

  async function dial(): Promise<ChannelModel> {
    const fresh = await connect(target, {
      noDelay: true,
      timeout: settings.requestTimeoutMs,
      ...options.socket,
      clientProperties: { connection_name: options.name ?? 'waggle', ...options.socket?.clientProperties },
    });
    fresh.on('error', (error) => logger.debug('rabbitmq connection failed', { reason: messageOf(error) }));
    serverVersion = fresh.connection.serverProperties.version;
    const problem = unsupported(serverVersion);
    if (problem !== undefined) {
      await closeModel(fresh);
      throw problem;
    }
    return fresh;
  }

  function adopt(fresh: ChannelModel): void {
    model = fresh;
    status = 'open';
    fresh.once('close', (error) => {
      if (model !== fresh) return;
      model = undefined;
      status = 'reconnecting';
      logger.warn('rabbitmq connection lost, reconnecting', {
        reason: error === undefined ? 'closed' : messageOf(error),
      });
      void reconnect();
    });
    for (const wake of waiting) wake();
  }

  async function reconnect(): Promise<void> {
    for (let attempt = 0; status === 'reconnecting'; attempt++) {
      try {
        await sleep(backoffMs(attempt), undefined, { signal: stop.signal });
        const fresh = await dial();
        if (stop.signal.aborted) return await closeModel(fresh);
        adopt(fresh);
        logger.info('rabbitmq connection is back', { attempts: attempt + 1 });
      } catch (error) {
        if (!stop.signal.aborted)
          logger.warn('rabbitmq is not reachable', { reason: translate(error, connecting).message });
      }
    }
  }

  async function open({ waitMs = 0, signal }: OpenOptions): Promise<void> {
    const deadline = Date.now() + waitMs;
    for (let attempt = 0; ; attempt++) {
      signal?.throwIfAborted();
      if (status === 'closed') throw closedError();
      try {
        const fresh = await unlessAborted(dial(), signal);
        if (stop.signal.aborted) {
          await closeModel(fresh);
          throw closedError();
        }
        return adopt(fresh);
      } catch (error) {
        signal?.throwIfAborted();
        const failure = translate(error, connecting);
        const pauseMs = Math.min(backoffMs(attempt), deadline - Date.now());
        if (failure.code !== 'unavailable' || pauseMs <= 0) throw failure;
        const signals = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
        await sleep(pauseMs, undefined, { signal: signals }).catch(() => undefined);
      }
    }
  }

  return {
    get status() {
      return status;
    },
    get serverVersion() {
      return serverVersion;
    },
    open,
    async model(waitMs) {
      const deadline = Date.now() + waitMs;
      while (model === undefined) {
        if (status === 'closed' || status === 'new') throw closedError();
        const leftMs = deadline - Date.now();
        if (leftMs <= 0)
          throw new MessagingError(
            'unavailable',
            `[rabbitmq] not connected within ${waitMs} ms: is the server up?`,
          );
        await new Promise<void>((resolve) => {
          const wake = (): void => {
            clearTimeout(timer);
            waiting.delete(wake);
            resolve();
          };
          const timer = setTimeout(wake, Math.min(leftMs, 2 ** 31 - 1));
          waiting.add(wake);
        });
      }
      return model;
    },
    async reset() {
      const old = model;
      model = undefined;
      if (status !== 'closed') status = 'new';
      if (old !== undefined) await closeModel(old);
    },
    async close() {
      status = 'closed';
      stop.abort();
      const old = model;
      model = undefined;
      for (const wake of waiting) wake();
      if (old !== undefined) await closeModel(old);
    },
  };
}

/** The library's own `close()` never resolves when the connection dies meanwhile. */
async function closeModel(model: ChannelModel): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, HEARTBEAT_S * 1000);
    const done = (): void => {
      clearTimeout(timer);
      resolve();
    };
    model.once('close', done);
    model.close().catch(done);
  });
}

/** An abort need not wait for a connection that is being made; that one is closed when it comes. */
async function unlessAborted(
  dialling: Promise<ChannelModel>,
  signal: AbortSignal | undefined,
): Promise<ChannelModel> {
  if (signal === undefined) return dialling;
  let onAbort = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => {
      dialling.then(closeModel, () => undefined);
      reject(signal.reason);
    };
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([dialling, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function backoffMs(attempt: number): number {
  return Math.min(5_000, 100 * 2 ** Math.min(attempt, 10)) * (0.5 + Math.random() / 2);
}

function unsupported(version: string): MessagingError | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return undefined;
  return new MessagingError(
    'invalid',
    `[rabbitmq] the server is version ${version}: upgrade it to ${OLDEST.join('.')} or newer`,
  );
}

/** Takes the URL apart ourselves: an error of the platform's parser would quote it, with the password. */
function parseUrl(text: string): Options.Connect {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^amqps?:$/.test(url.protocol) || url.hostname === '') throw badUrl();
  const target: Options.Connect = {
    protocol: url.protocol.slice(0, -1),
    hostname: url.hostname.replace(/^\[|\]$/g, ''),
    heartbeat: HEARTBEAT_S,
    vhost: url.pathname.slice(1),
  };
  if (url.port !== '') target.port = Number(url.port);
  if (url.username !== '' || url.password !== '') {
    target.username = unescapePart(url.username);
    target.password = unescapePart(url.password);
  }
  return target;
}

function unescapePart(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw badUrl();
  }
}

const badUrl = (): MessagingError =>
  new MessagingError(
    'invalid',
    '[rabbitmq] the URL is not valid: write amqp://user:password@host:port/vhost, special characters as %XX',
  );
