import { randomUUID } from 'node:crypto';
import type { Logger } from '@waggle/kernel';
import { reconnectDelayMs, type Added } from '@waggle/messaging';
import type pg from 'pg';
import { translate } from './postgres-errors.ts';

/** At most one notification in this time: each takes a lock that all of the server's databases share. */
const REST_MS = 10;
/** How often a silent connection is asked whether it is there. */
const HEARTBEAT_MS = 15_000;
const ANSWER_MS = 5_000;

const ALL: readonly Added[] = ['events', 'outbox', 'schedule'];

export interface BellOptions {
  readonly namespace: string;
  readonly logger: Logger;
  /** A connection to listen on, not made yet. */
  client(): pg.Client;
  notify(channel: string, payload: string): Promise<unknown>;
}

/** Tells those who wait for commits, here and in other processes. It may be late or lost: whoever waits also looks by himself. */
export interface Bell {
  /** Begins to listen to others. */
  open(): Promise<void>;
  close(): Promise<void>;
  /** This process has committed. */
  ring(added: readonly Added[]): void;
  onRing(wake: (added: Added) => void): () => void;
}

/**
 * Rings after a commit and not in it, where the lock of a notification would make all commits wait for each other. Listens on a
 * connection of its own, and when that is lost on another one; what was rung meanwhile is not known, so all are woken then.
 */
export function createBell({ namespace, logger, client: makeClient, notify }: BellOptions): Bell {
  const channel = `waggle:${namespace}`;
  const sender = randomUUID();
  const listeners = new Set<(added: Added) => void>();
  const unsaid = new Set<Added>();
  let resting: NodeJS.Timeout | undefined;
  let reconnecting: NodeJS.Timeout | undefined;
  let heartbeat: NodeJS.Timeout | undefined;
  let listening: pg.Client | undefined;
  let isOpen = false;

  function wake(added: readonly Added[]): void {
    for (const each of added) for (const listener of listeners) queueMicrotask(() => listener(each));
  }

  function hear(payload = ''): void {
    const [from, ...added] = payload.split(' ');
    if (from !== sender) wake(ALL.filter((each) => added.includes(each)));
  }

  async function say(): Promise<void> {
    if (unsaid.size === 0) return;
    const payload = [sender, ...unsaid].join(' ');
    unsaid.clear();
    await notify(channel, payload).catch(() => undefined);
  }

  function sayAndRest(): void {
    if (resting !== undefined || unsaid.size === 0) return;
    resting = setTimeout(() => {
      resting = undefined;
      sayAndRest();
    }, REST_MS);
    void say();
  }

  async function listen(attempt = 0): Promise<void> {
    const client = makeClient();
    const lost = (error: unknown): void => {
      if (listening !== client) return;
      listening = undefined;
      clearInterval(heartbeat);
      client.end().catch(() => undefined);
      if (!isOpen) return;
      logger.debug('no commits of others are heard of for now', {
        reason: translate(error, 'listen').reason,
      });
      reconnecting = setTimeout(() => void listen(attempt + 1), reconnectDelayMs(attempt));
    };
    listening = client;
    client.on('error', lost);
    client.on('end', () => lost(new Error('the connection was closed')));
    client.on('notification', ({ payload }) => hear(payload));
    try {
      await client.connect();
      await client.query(`listen "${channel.replaceAll('"', '""')}"`);
    } catch (error) {
      return lost(error);
    }
    if (listening !== client) return;
    if (attempt > 0) wake(ALL);
    attempt = 0;
    heartbeat = setInterval(() => {
      client.query({ text: 'select', query_timeout: ANSWER_MS } as pg.QueryConfig).catch(lost);
    }, HEARTBEAT_MS);
    heartbeat.unref();
  }

  return {
    open() {
      isOpen = true;
      return listen();
    },
    async close() {
      isOpen = false;
      clearTimeout(reconnecting);
      clearInterval(heartbeat);
      clearTimeout(resting);
      resting = undefined;
      const client = listening;
      listening = undefined;
      client?.end().catch(() => undefined);
      await say();
    },
    ring(added) {
      wake(added);
      for (const each of added) unsaid.add(each);
      sayAndRest();
    },
    onRing(listener) {
      const own = (added: Added): void => listener(added);
      listeners.add(own);
      return () => void listeners.delete(own);
    },
  };
}
