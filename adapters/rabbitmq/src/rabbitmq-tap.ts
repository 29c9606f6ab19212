import type { ConfirmChannel, ConsumeMessage } from 'amqplib';
import type { Delivery } from '@waggle/messaging';
import { closed, openChannel } from './rabbitmq-channel.ts';
import type { Session } from './rabbitmq-session.ts';

/** What the parts of a consumer share. */
export interface Consuming {
  readonly session: Session;
  /** What the names of the queues begin with. */
  readonly base: string;
  readonly concurrency: number;
  readonly onMissed?: (count: number) => void;
  readonly deliver: (delivery: Delivery) => void;
  /** To be called when the server has ended a part that cannot go on by itself. */
  readonly ended: (reason: unknown) => void;
  /** Stores a copy that comes back to the queue after `delayMs` as the next attempt. Rejects if it is not stored. */
  readonly putOff: (queue: string, raw: ConsumeMessage, delayMs: number) => Promise<void>;
  /** Sends an empty message to the members queue, which is gone after `forMs` if nobody takes it. */
  readonly ask: (queue: string, forMs: number) => void;
}

/** Every tap has a channel of its own, so they may all have the same. */
const TAG = 'waggle';

export type Tap = ReturnType<typeof createTap>;
type Opened = (channel: ConfirmChannel) => (raw: ConsumeMessage) => void;

/**
 * Takes from one queue, on a channel of its own; `opened` is told of each fresh one, and returns what takes its messages. When
 * the server closes a channel that was of use, only that is opened again: the other channels of a consumer, with what is
 * being handled, know nothing of it. Whatever else ends it may have taken the queue along: that is for `ended`.
 */
export function createTap({ session, ended }: Consuming, queue: string, prefetch: number, opened: Opened) {
  let current: ConfirmChannel | undefined;
  let receive: (raw: ConsumeMessage) => void = () => undefined;
  let useful = false;
  let paused = false;
  let consuming = false;
  let over = false;
  let starting: Promise<void> = Promise.resolve();

  function start(): Promise<void> {
    return (starting = open());
  }

  async function open(): Promise<void> {
    useful = consuming = false;
    const channel = await openChannel(session.model, (reason) => {
      current = undefined;
      if (reason === undefined || over) return;
      if (useful) start().catch(ended);
      else ended(reason);
    });
    if (over) return closed(channel);
    current = channel;
    receive = opened(channel);
    await channel.prefetch(prefetch);
    if (!paused) await consume(channel);
  }

  async function consume(channel: ConfirmChannel): Promise<void> {
    const onMessage = (raw: ConsumeMessage | null): void => {
      if (raw === null) return ended(new Error(`the server cancelled the consumer of ${queue}`));
      useful = true;
      receive(raw);
    };
    if (consuming) return;
    consuming = true;
    await channel.consume(queue, onMessage, { consumerTag: TAG });
  }

  return {
    /** What came from another channel than this cannot be settled any more. */
    settles: (channel: ConfirmChannel): boolean => current === channel && !session.gone.aborted,
    start: () => start().catch((error: unknown) => (over ? undefined : Promise.reject(error))),
    /** Cancels the consumer. The channel stays, for what is unsettled. */
    pause(): void {
      if (!paused) current?.cancel(TAG).catch(() => undefined); // else the channel has ended, which is told
      paused = true;
      consuming = false;
    },
    resume(): void {
      if (paused && current !== undefined) consume(current).catch(() => undefined);
      paused = false;
    },
    /**
     * Sends what was settled; the server hands on the rest. Waits for what was begun: the server closes a channel where it
     * refuses something, and does not answer a close of ours that crosses its own.
     */
    async close(): Promise<void> {
      over = true;
      await starting.catch(() => undefined);
      const last = current;
      current = undefined;
      if (last !== undefined) await closed(last);
    },
  };
}
