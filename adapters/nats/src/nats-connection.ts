import { messageOf, type Logger } from '@waggle/kernel';
import type { DriverSettings, DriverStatus } from '@waggle/messaging';
import {
  connect,
  Events,
  type ConnectionOptions,
  type JetStreamManager,
  type NatsConnection,
  type Status,
} from 'nats';
import { fail, translate } from './nats-errors.ts';

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

/** Told of what becomes of the connection. */
export interface ConnectionListener {
  lost?(): void;
  restored?(): void;
  /** The server refused a publication to this subject. */
  denied?(subject: string): void;
}

const FIRST_TRY_MS = 250;

/** One connection that comes back by itself; what is asked while it is down waits for it. */
export class NatsLink {
  readonly settings: DriverSettings;
  readonly #options: NatsOptions;
  readonly #listeners = new Set<ConnectionListener>();
  readonly #log: Logger;
  #status: DriverStatus = 'new';
  #connection: NatsConnection | undefined;
  #lostAt: number | undefined;

  constructor(settings: DriverSettings, options: NatsOptions) {
    this.settings = settings;
    this.#options = options;
    this.#log = settings.logger;
  }

  get status(): DriverStatus {
    return this.#status;
  }
  get replicas(): number {
    return this.#options.replicas ?? 1;
  }
  /** The connection if it is up at this moment. */
  get up(): NatsConnection | undefined {
    return this.#status === 'open' ? this.#connection : undefined;
  }
  get inboxPrefix(): string | undefined {
    return this.#options.connection?.inboxPrefix;
  }

  listen(listener: ConnectionListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** @throws MessagingError `unavailable`, `denied`, `invalid`, `closed`; the signal's reason when aborted */
  async connect({
    waitMs = 0,
    signal,
  }: { waitMs?: number; signal?: AbortSignal } = {}): Promise<NatsConnection> {
    const options = { ...this.#defaults(), ...parseServers(this.#options.url), ...this.#options.connection };
    const until = Date.now() + waitMs;
    for (;;) {
      signal?.throwIfAborted();
      const attempt = connect(options);
      try {
        const connection = await abortable(attempt, signal);
        if (this.#status === 'closed') {
          await connection.close();
          throw closedError();
        }
        this.#connection = connection;
        this.#status = 'open';
        void this.#watch(connection);
        return connection;
      } catch (error) {
        if (signal?.aborted) {
          void attempt.then((late) => late.close(), ignore);
          throw error;
        }
        if (this.#status === 'closed') throw closedError();
        const problem = translate(error, 'cannot connect');
        if (problem.code !== 'unavailable' || Date.now() >= until) throw problem;
      }
      await abortable(sleep(Math.min(FIRST_TRY_MS, Math.max(until - Date.now(), 1))), signal);
    }
  }

  /** Resolves once connected. @throws MessagingError `unavailable` when `deadline` is over, `closed` */
  ready(deadline: number, signal?: AbortSignal): Promise<NatsConnection> {
    if (this.up !== undefined) return Promise.resolve(this.up);
    if (this.#status !== 'reconnecting') return Promise.reject(closedError());
    const { promise, resolve, reject } = Promise.withResolvers<NatsConnection>();
    const check = (): void => {
      if (this.up !== undefined) resolve(this.up);
      else if (this.#status === 'closed') reject(closedError());
    };
    const forget = this.listen({ restored: check, lost: check });
    const waitMs = Math.min(Math.max(deadline - Date.now(), 0), 2 ** 31 - 1);
    const timer = setTimeout(() => reject(fail('unavailable', 'not connected: is the server up?')), waitMs);
    return abortable(promise, signal).finally(() => {
      clearTimeout(timer);
      forget();
    });
  }

  /**
   * Asks the JetStream API something that may be asked twice: again after a reconnect, until the deadline.
   * @throws the client's error of an answer that was one
   */
  async #ask<T>(what: string, question: (api: JetStreamManager) => Promise<T>): Promise<T> {
    const deadline = Date.now() + this.settings.requestTimeoutMs;
    for (;;) {
      const connection = await this.ready(deadline);
      const lost = Promise.withResolvers<never>();
      lost.promise.catch(ignore);
      const forget = this.listen({
        lost: () => lost.reject(fail('unavailable', `${what}: the connection was lost`)),
      });
      try {
        const timeout = Math.max(deadline - Date.now(), 1);
        const api = await connection.jetstreamManager({ checkAPI: false, timeout });
        return await Promise.race([question(api), lost.promise]);
      } catch (error) {
        if (this.#status === 'closed') throw closedError();
        if (this.#status === 'open' || Date.now() >= deadline) throw error;
      } finally {
        forget();
      }
    }
  }

  /** From now on everything fails with `closed`; the connection itself stays until `disconnect`. */
  close(): void {
    this.#status = 'closed';
    for (const listener of this.#listeners) listener.lost?.();
  }

  async disconnect(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    if (this.#status !== 'closed') this.#status = 'new';
    await connection?.close();
  }

  /** Sends if there is a connection; what does not arrive is made good by who sends it. */
  tell(subject: string, payload: Uint8Array | string, reply?: string): void {
    try {
      this.up?.publish(subject, payload, reply === undefined ? {} : { reply });
    } catch (error) {
      this.#log.debug('not sent', { subject, reason: messageOf(error) });
    }
  }

  /** The same, with every error in Waggle's words. @throws MessagingError */
  async api<T>(what: string, question: (api: JetStreamManager) => Promise<T>): Promise<T> {
    try {
      return await this.#ask(what, question);
    } catch (error) {
      throw translate(error, what);
    }
  }

  #defaults(): ConnectionOptions {
    const pingInterval = Math.max(Math.floor(this.settings.leaseMs / 3), 1000);
    return {
      name: this.#options.name ?? `waggle ${this.settings.namespace}`,
      timeout: this.settings.requestTimeoutMs,
      maxReconnectAttempts: -1,
      // Quick at first, then ever slower: neither a late return nor a storm.
      reconnectDelayHandler: () => {
        const lostForMs = this.#lostAt === undefined ? 0 : Date.now() - this.#lostAt;
        return Math.min(Math.max(lostForMs / 4, 50), 2000) * (1 + Math.random() / 2);
      },
      // A password that is being changed is no reason to give up for good.
      ignoreAuthErrorAbort: true,
      pingInterval,
      maxPingOut: 2,
      noAsyncTraces: true,
    };
  }

  async #watch(connection: NatsConnection): Promise<void> {
    for await (const status of connection.status()) this.#observe(status);
    if (this.#status === 'closed' || this.#connection !== connection) return;
    this.#log.error('the connection to NATS ended for good');
    this.close();
  }

  #observe(status: Status): void {
    if (this.#status === 'closed') return;
    if (status.type === Events.Disconnect) {
      this.#log.warn('the connection to NATS was lost; trying again', {
        server: this.#connection?.getServer(),
      });
      this.#status = 'reconnecting';
      this.#lostAt = Date.now();
      for (const listener of [...this.#listeners]) listener.lost?.();
    } else if (status.type === Events.Reconnect) {
      this.#log.info('reconnected to NATS', { server: this.#connection?.getServer() });
      this.#lostAt = undefined;
      this.#status = 'open';
      for (const listener of [...this.#listeners]) listener.restored?.();
    } else if (status.permissionContext !== undefined) {
      const { operation, subject } = status.permissionContext;
      this.#log.error('NATS refused a permission', { operation, subject });
      for (const listener of [...this.#listeners]) listener.denied?.(subject);
    }
  }
}

export const closedError = () => fail('closed', 'the driver is not open: it was closed, or never opened');

/** Servers without their credentials, which the client takes separately. @throws MessagingError `invalid`, without the URL */
export function parseServers(url: string): Partial<ConnectionOptions> {
  const parsed = url.split(',').map((part) => {
    const text = part.trim();
    try {
      return new URL(text.includes('://') ? text : `nats://${text}`);
    } catch {
      throw fail(
        'invalid',
        'the server address is not a URL: write nats://host:4222, several separated by commas',
      );
    }
  });
  const { username = '', password = '' } = parsed.find((each) => each.username !== '') ?? {};
  const auth =
    password === '' ? { token: decode(username) } : { user: decode(username), pass: decode(password) };
  return {
    servers: parsed.map((each) => (each.port === '' ? each.hostname : `${each.hostname}:${each.port}`)),
    ...(username === '' ? {} : auth),
    ...(parsed.some((each) => each.protocol === 'tls:') ? { tls: {} } : {}),
  };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The promise, or the signal's reason. */
export async function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const ignore = () => undefined;
