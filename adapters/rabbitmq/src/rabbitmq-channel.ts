import type { EventEmitter } from 'node:events';
import type { ChannelModel, ConfirmChannel } from 'amqplib';
import { messageOf } from '@waggle/kernel';
import { pause, reconnectDelayMs, systemClock } from '@waggle/messaging';
import type { Session } from './rabbitmq-session.ts';

type Ended = (reason: unknown) => void;

/** Opens a channel. `ended` is told its end, with a reason if the server ended it alone: not when we did, nor with its connection. */
export async function openChannel(model: ChannelModel, ended?: Ended): Promise<ConfirmChannel> {
  const channel = await model.createConfirmChannel();
  let reason: unknown;
  channel.on('error', (error) => (reason = error));
  channel.once('close', () => ended?.(reason));
  return channel;
}

/** Closes a channel or a connection, sending what was written before. Never rejects; the library's own never resolves when the connection dies meanwhile. */
export async function closed(open: EventEmitter & { close(): Promise<void> }): Promise<void> {
  await new Promise<void>((resolve) => {
    open.once('close', resolve);
    open.close().catch(() => resolve());
  });
}

type Work<T> = (channel: ConfirmChannel) => Promise<T>;

/** Works on a channel of its own. */
export async function withChannel<T>(model: ChannelModel, work: Work<T>, ended?: Ended): Promise<T> {
  const channel = await openChannel(model, ended);
  try {
    return await work(channel);
  } finally {
    await closed(channel);
  }
}

/** Makes a fresh channel useful. Is given what ended the one before, to repair it, and may give up this one with `end`. */
export type Attach = (channel: ConfirmChannel, end: Ended, before: unknown) => Promise<void>;

/** Opens a channel to publish on, and another whenever one ended alone, as long as the connection lasts. Never rejects. */
export async function keepChannel(session: Session, what: string, attach: Attach): Promise<void> {
  const { writing, gone, settings } = session;
  let reason: unknown;
  for (let failures = 0; !gone.aborted; failures++) {
    const { promise: ended, resolve: end } = Promise.withResolvers<unknown>();
    const use = async (channel: ConfirmChannel): Promise<unknown> => {
      await attach(channel, end, reason);
      failures = 0;
      return ended;
    };
    reason = await withChannel(writing, use, end).catch((error: unknown) => error);
    if (gone.aborted) return;
    settings.logger.warn('a channel was lost; opening another', { what, reason: messageOf(reason) });
    await pause(systemClock, reconnectDelayMs(failures), gone);
  }
}
