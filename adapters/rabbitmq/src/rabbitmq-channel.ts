import { setTimeout as sleep } from 'node:timers/promises';
import type { Channel, ConfirmChannel } from 'amqplib';
import { messageOf, type Logger, MessagingError } from '@waggle/kernel';
import type { RabbitMqConnection } from './rabbitmq-connection.ts';
import { isNotFound, replyCode, translate } from './rabbitmq-errors.ts';

/** A channel that is opened again whenever it, or the connection, was lost. */
export interface KeptChannel {
  /** Settles with the first attachment. */
  readonly attached: Promise<void>;
  /** Closes the channel for good. What was sent on it before is sent first. */
  close(): Promise<void>;
}

export interface KeepChannelOptions {
  readonly connection: RabbitMqConnection;
  readonly logger: Logger;
  /** How long the first attachment may wait for the connection. */
  readonly waitMs: number;
  /** For logs and errors: "consuming x". */
  readonly what: string;
  /** Makes a fresh channel useful. Runs again on each one; its channel is not to be used after its 'close' event. */
  readonly attach: (channel: ConfirmChannel) => Promise<void>;
  /** Declares again what is gone from the server; without it the first `not found` is final. */
  readonly restore?: () => Promise<void>;
}

const FOREVER_MS = 2 ** 31 - 1;

/** Opens a confirm channel, and keeps one open until closed. The one place where channels come back. */
export function keepChannel(options: KeepChannelOptions): KeptChannel {
  const { connection, logger, what } = options;
  const stop = new AbortController();
  const first = Promise.withResolvers<void>();
  first.promise.catch(() => undefined);
  let current: ConfirmChannel | undefined;
  let attachedOnce = false;
  /** Something was gone and is not known to be back: a queue can exist again and still lack its bindings. */
  let incomplete = false;

  async function attachOne(): Promise<unknown> {
    const model = await connection.model(attachedOnce ? FOREVER_MS : options.waitMs);
    const channel = await model.createConfirmChannel();
    const gone = endOf(channel);
    current = channel;
    if (stop.signal.aborted) await closeChannel(channel);
    else await options.attach(channel);
    attachedOnce = true;
    first.resolve();
    return gone;
  }

  /** Before anything else, until it succeeds; what this process never declared, another has to declare again. */
  async function makeComplete(): Promise<void> {
    await options.restore?.().catch((error: unknown) => {
      const unknownHere = error instanceof MessagingError && error.code === 'unroutable';
      if (!attachedOnce || !unknownHere) throw error;
    });
    incomplete = false;
  }

  async function keep(): Promise<void> {
    for (let failures = 0; !stop.signal.aborted; failures++) {
      let reason: unknown;
      try {
        if (incomplete) await makeComplete();
        reason = await attachOne();
        failures = 0;
      } catch (error) {
        reason = error;
        if (current !== undefined) await closeChannel(current);
        if (!attachedOnce && !worthAnother(error, failures, options.restore !== undefined))
          return first.reject(translate(error, what));
      }
      if (stop.signal.aborted) break;
      incomplete ||= isNotFound(reason);
      if (connection.status === 'closed') break;
      if (connection.status === 'open')
        logger.warn('rabbitmq channel lost, opening another', { what, reason: messageOf(reason) });
      await sleep(Math.min(2_000, 20 * 2 ** Math.min(failures, 8)), undefined, { signal: stop.signal }).catch(
        () => undefined,
      );
    }
    first.reject(new MessagingError('closed', `[rabbitmq] ${what}: closed meanwhile`));
  }
  const kept = keep();

  return {
    attached: first.promise,
    async close() {
      stop.abort();
      if (current !== undefined) await closeChannel(current);
      // A keeper that waits for a lost connection ends when the connection is back or closed: nobody needs to wait for it.
      if (connection.status === 'open') await kept;
    },
  };
}

/** A lost connection or a missing queue is tried again also the first time; what the server refused is not. */
function worthAnother(error: unknown, failures: number, restorable: boolean): boolean {
  if (error instanceof MessagingError) return false;
  return failures < 3 && (replyCode(error) === undefined || (restorable && isNotFound(error)));
}

/** Resolves with the reason when the channel has ended, from whichever side. */
export function endOf(channel: Channel): Promise<unknown> {
  let reason: unknown = new Error('closed');
  channel.on('error', (error) => {
    reason = error;
  });
  return new Promise((resolve) => {
    channel.once('close', () => resolve(reason));
  });
}

/** Closes a channel, sending what was written before. Never rejects; the library's own never resolves when the connection dies meanwhile. */
export async function closeChannel(channel: Channel): Promise<void> {
  await new Promise<void>((resolve) => {
    channel.once('close', resolve);
    channel.close().catch(() => resolve());
  });
}
