import { messageOf, MessagingError } from '@waggle/kernel';
import type { DriverSettings, DriverStatus } from '@waggle/messaging';
import type { BrokerEnd } from './memory-broker.ts';
import type { Session } from './memory-session.ts';

const RECONNECT_MS = 250;

/** A driver's connection: opened once, mended by itself, closed for good. */
export interface Connection {
  readonly status: DriverStatus;
  /** The session, while there is one. */
  readonly session: Session | undefined;
  /** @throws MessagingError; the signal's reason when aborted */
  open(options?: { readonly waitMs?: number; readonly signal?: AbortSignal }): Promise<void>;
  /** The session, waited for at most `timeoutMs`. @throws MessagingError `closed`, `unavailable`; the signal's reason */
  reach(timeoutMs?: number, signal?: AbortSignal): Promise<Session>;
  /** Calls back when the connection is closed for good; returns what stops that. */
  onClose(action: () => void): () => void;
  close(): void;
}

/** @param connected is told of every new session, the first included */
export function createConnection(
  settings: DriverSettings,
  broker: BrokerEnd,
  connected: (session: Session) => void,
): Connection {
  const { clock } = broker;
  const waiting = new Set<() => void>();
  const closing = new Set<() => void>();
  let status: DriverStatus = 'new';
  let session: Session | undefined;
  let stopReconnecting: () => unknown = () => undefined;

  const wake = (sleepers: Set<() => void>): void => {
    const all = [...sleepers];
    sleepers.clear();
    for (const action of all) action();
  };
  const unusable = (): MessagingError =>
    new MessagingError(
      'closed',
      `[memory] the driver is ${status === 'new' ? 'not open yet: open() it first' : 'closed: create another'}`,
    );
  const connect = (): void => {
    session = broker.connect(settings, lost);
    status = 'open';
    connected(session);
    wake(waiting);
  };
  const reconnect = (): void => {
    try {
      connect();
    } catch (error) {
      settings.logger.warn('reconnecting failed', { reason: messageOf(error) });
      stopReconnecting = clock.after(RECONNECT_MS, () => {
        stopReconnecting = broker.whenReachable(reconnect);
      });
    }
  };
  function lost(): void {
    session = undefined;
    status = 'reconnecting';
    stopReconnecting = broker.whenReachable(reconnect);
  }

  /** Waits for one of several things to happen; each starter returns what stops its waiting. */
  const firstOf = async (...starters: ((done: () => void) => () => unknown)[]): Promise<void> => {
    const stops: (() => unknown)[] = [];
    await new Promise<void>((resolve) => stops.push(...starters.map((start) => start(resolve))));
    for (const stop of stops) stop();
  };
  const onClose = (action: () => void) => {
    closing.add(action);
    return () => closing.delete(action);
  };
  const onWake = (action: () => void) => {
    waiting.add(action);
    return () => waiting.delete(action);
  };
  const onAbort = (signal: AbortSignal | undefined) => (action: () => void) => {
    signal?.addEventListener('abort', action);
    return () => signal?.removeEventListener('abort', action);
  };

  const reach = async (timeoutMs = settings.requestTimeoutMs, signal?: AbortSignal): Promise<Session> => {
    signal?.throwIfAborted();
    if (session !== undefined) return session;
    if (status !== 'reconnecting') throw unusable();
    const timer = (done: () => void) => clock.after(timeoutMs, done);
    await firstOf(onWake, onClose, onAbort(signal), ...(timeoutMs === Infinity ? [] : [timer]));
    if (session !== undefined) return session;
    if (status !== 'reconnecting') throw unusable();
    signal?.throwIfAborted();
    if (timeoutMs === Infinity) return reach(timeoutMs, signal);
    throw new MessagingError('unavailable', `[memory] the broker was not reached within ${timeoutMs} ms`);
  };

  return {
    get status() {
      return status;
    },
    get session() {
      return session;
    },
    async open({ waitMs = 0, signal } = {}) {
      const untilMs = clock.now() + waitMs;
      for (;;) {
        signal?.throwIfAborted();
        if (status === 'closed') throw unusable();
        if (status !== 'new') return void (await reach(undefined, signal));
        try {
          return connect();
        } catch (error) {
          const unavailable = error instanceof MessagingError && error.code === 'unavailable';
          if (!unavailable || clock.now() >= untilMs) throw error;
        }
        const timer = (done: () => void) => clock.after(untilMs - clock.now(), done);
        await firstOf((done) => broker.whenReachable(done), timer, onClose, onAbort(signal));
      }
    },
    reach,
    onClose,
    close() {
      if (status === 'closed') return;
      status = 'closed';
      stopReconnecting();
      if (session !== undefined) broker.disconnect(session);
      session = undefined;
      wake(closing);
    },
  };
}
