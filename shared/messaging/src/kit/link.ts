import { MessagingError, type Clock } from '@waggle/kernel';
import type { DriverSettings, DriverStatus } from '../driver.ts';
import type { BrokerConnection, Connector } from './connection.ts';
import { abortable, pause, reconnectDelayMs, refusedDelayMs, within } from './waiting.ts';

/** A connection that is replaced by another whenever it is lost, until it is closed. */
export interface Link {
  readonly status: DriverStatus;
  /** The connection, while it is up. */
  readonly current: BrokerConnection | undefined;
  /** Aborts when the link is closed, with the error that everything afterwards ends with. */
  readonly closed: AbortSignal;
  /** @throws MessagingError; the signal's reason when aborted. Can be tried again. */
  open(options?: { readonly waitMs?: number; readonly signal?: AbortSignal }): Promise<void>;
  /** The connection, waited for at most `waitMs`. @throws MessagingError `closed`, `unavailable` */
  reach(waitMs: number): Promise<BrokerConnection>;
  /**
   * Asks what may be asked twice: again on the next connection, as long as `requestTimeoutMs` lasts.
   * @throws MessagingError, translated
   */
  ask<T>(what: string, question: (connection: BrokerConnection) => Promise<T>): Promise<T>;
  /** Aborts with the loss of this connection. */
  lossOf(connection: BrokerConnection): AbortSignal;
  close(): Promise<void>;
}

/** Told what becomes of the link. */
export interface LinkListener {
  connected(connection: BrokerConnection): void;
  unblocked(): void;
  lost(): void;
}

export function createLink(
  { requestTimeoutMs, logger }: DriverSettings,
  connector: Connector,
  clock: Clock,
  listener: LinkListener,
): Link {
  const { name, random } = connector;
  const closing = new AbortController();
  const losses = new WeakMap<BrokerConnection, AbortController>();
  const waiting = new Set<() => void>();
  let status: DriverStatus = 'new';
  let current: BrokerConnection | undefined;
  let opening: Promise<void> | undefined;
  let reconnecting = false;
  /** Connections that the server refused in a row. */
  let refusals = 0;
  /** Why there is none. */
  let problem: MessagingError | undefined;

  const fail = (code: 'closed' | 'unavailable' | 'timeout', what: string): MessagingError =>
    new MessagingError(code, `[${name}] ${what}`);
  /** Before attempt number `attempt` (from 0). A server that was there and refused will not be called reachable again. */
  const rest = (attempt: number, mostMs: number, signal: AbortSignal, problem?: MessagingError) => {
    refusals = problem?.code === 'denied' ? refusals + 1 : 0;
    const absent = problem === undefined || problem.code === 'unavailable';
    const early = absent ? connector.whenReachable : undefined;
    const soon = refusals === 0 ? reconnectDelayMs(attempt, random) : refusedDelayMs(refusals, random);
    return pause(clock, Math.min(early === undefined ? soon : Infinity, mostMs), signal, early);
  };
  const wakeAll = (): void => {
    for (const wake of waiting) wake();
    waiting.clear();
  };

  /** One attempt. What comes too late is closed. */
  async function dial(signal: AbortSignal): Promise<void> {
    const loss = new AbortController();
    const lost = (reason: unknown): void => loss.abort(connector.translate(reason, 'connection lost'));
    const attempt = connector.connect(lost, listener.unblocked);
    const late = (): unknown => fail('timeout', `no connection within ${2 * requestTimeoutMs} ms`);
    try {
      const fresh = await abortable(within(clock, 2 * requestTimeoutMs, attempt, late), signal);
      loss.signal.throwIfAborted();
      signal.throwIfAborted();
      losses.set(fresh, loss);
      loss.signal.addEventListener('abort', () => lose(fresh), { once: true });
      current = fresh;
      status = 'open';
    } catch (error) {
      attempt.then(
        (connection) => connection.close(),
        () => undefined,
      );
      throw error;
    }
  }

  function announce(): void {
    if (current !== undefined) listener.connected(current);
    wakeAll();
  }

  function lose(connection: BrokerConnection): void {
    if (current !== connection || status === 'closed') return;
    current = undefined;
    status = 'reconnecting';
    const { message } = lossOf(connection).reason as Error;
    logger.warn('the connection to the broker was lost; trying again', { broker: name, reason: message });
    listener.lost();
    if (!reconnecting) void reconnect();
  }

  /** Once at a time: what is lost again before it ends is its business. */
  async function reconnect(): Promise<void> {
    reconnecting = true;
    problem = undefined;
    for (let attempt = 0; status === 'reconnecting'; attempt++) {
      await rest(attempt, Infinity, closing.signal, problem);
      try {
        await dial(closing.signal);
        logger.info('reconnected to the broker', { broker: name, attempts: attempt + 1 });
        announce();
      } catch (error) {
        if (closing.signal.aborted) return;
        problem = connector.translate(error, 'connecting again');
        const [level, what] =
          problem.code === 'denied'
            ? (['error', 'refuses us'] as const)
            : (['warn', 'cannot be reached'] as const);
        logger[level](`the broker ${what}; trying again`, { broker: name, reason: problem.message });
      }
    }
    reconnecting = false;
  }

  async function openOnce({ waitMs = 0, signal }: Parameters<Link['open']>[0] = {}): Promise<void> {
    const untilMs = clock.now() + waitMs;
    const ended = signal === undefined ? closing.signal : AbortSignal.any([closing.signal, signal]);
    for (let attempt = 0; ; attempt++) {
      ended.throwIfAborted();
      try {
        await dial(ended);
        return announce();
      } catch (error) {
        ended.throwIfAborted();
        problem = connector.translate(error, 'connecting');
        const leftMs = untilMs - clock.now();
        if (!['unavailable', 'timeout'].includes(problem.code) || leftMs <= 0) throw problem;
        if (attempt === 0) {
          logger.warn('the broker cannot be reached; waiting for it', { waitMs, reason: problem.message });
        }
        await rest(attempt, leftMs, ended, problem);
      }
    }
  }

  async function reach(waitMs: number): Promise<BrokerConnection> {
    closing.signal.throwIfAborted();
    if (current !== undefined) return current;
    if (status === 'new') throw fail('closed', 'the driver is not open yet: open() it first');
    const { promise, resolve } = Promise.withResolvers<void>();
    waiting.add(resolve);
    const late = (): unknown =>
      fail('unavailable', `not connected within ${waitMs} ms: ${problem?.message ?? 'is the server up?'}`);
    try {
      await (waitMs === Infinity ? promise : within(clock, waitMs, promise, late));
    } finally {
      waiting.delete(resolve);
    }
    return reach(waitMs);
  }

  function lossOf(connection: BrokerConnection): AbortSignal {
    return losses.get(connection)?.signal ?? closing.signal;
  }

  async function ask<T>(what: string, question: (connection: BrokerConnection) => Promise<T>): Promise<T> {
    const untilMs = clock.now() + requestTimeoutMs;
    const late = (): unknown => fail('timeout', `${what}: no answer within ${requestTimeoutMs} ms`);
    for (;;) {
      const connection = current ?? (await reach(untilMs - clock.now()));
      try {
        const answer = abortable(question(connection), lossOf(connection));
        return await within(clock, untilMs - clock.now(), answer, late);
      } catch (error) {
        closing.signal.throwIfAborted();
        if (!lossOf(connection).aborted || clock.now() >= untilMs) throw connector.translate(error, what);
      }
    }
  }

  return {
    get status() {
      return status;
    },
    get current() {
      return current;
    },
    closed: closing.signal,
    async open(options) {
      closing.signal.throwIfAborted();
      opening ??= openOnce(options);
      try {
        await opening;
      } catch (error) {
        opening = undefined;
        throw error;
      }
    },
    reach,
    ask,
    lossOf,
    async close() {
      if (status === 'closed') return;
      const last = current;
      status = 'closed';
      current = undefined;
      closing.abort(fail('closed', 'the driver was closed: create another'));
      wakeAll();
      if (last !== undefined) losses.get(last)?.abort(closing.signal.reason); // ends what is asked on it
      await last?.close();
    },
  };
}
