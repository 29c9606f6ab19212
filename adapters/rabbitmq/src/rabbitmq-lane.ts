import type { Channel, ConsumeMessage } from 'amqplib';
import type { Delivery, Lane } from '@waggle/messaging';
import { closeChannel, keepChannel, type KeptChannel } from './rabbitmq-channel.ts';
import { attemptOf, toIncoming } from './rabbitmq-codec.ts';
import type { ConsumerContext } from './rabbitmq-consumer.ts';

/** This member's place in the line for one numbered lane. */
export interface LaneConsumer {
  readonly attached: Promise<void>;
  /** Whether this member is the active one: only that is sent messages. Known from the first message on. */
  readonly held: boolean;
  readonly unsettled: number;
  /**
   * Leaves the line: with `rejoin` for its end, after the next message, so that none is on its way here and counted as
   * an attempt; else as soon as nothing is unsettled.
   */
  leave(rejoin: boolean): void;
  /** Joins the line, or stays in it. */
  join(): void;
  /** Leaves at once; the server hands what is unsettled to the next member. */
  close(): Promise<void>;
}

/**
 * One channel, prefetch 1, single active consumer: the server serialises. A retry is held unacknowledged, so that nothing
 * of the lane goes on meanwhile. A member leaves by closing the channel, because `basic.cancel` with a message
 * unsettled gives the next member the message after it first.
 */
export function consumeLane(context: ConsumerContext, lane: Lane, queue: string): LaneConsumer {
  let kept: KeptChannel | undefined;
  let held = false;
  let busy = false;
  let leaving: { readonly rejoin: boolean } | undefined;
  let closed = false;
  let gone: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;

  async function attach(channel: Channel): Promise<void> {
    let consumerTag = '';
    let open = true;
    channel.once('close', () => {
      open = false;
      held = false;
      busy = false;
      clearTimeout(timer);
    });
    await channel.prefetch(1);
    const receive = (raw: ConsumeMessage | null): void => {
      if (raw === null) return void closeChannel(channel); // cancelled by the server: attach again
      if (closed || kept === undefined || leaving?.rejoin === false) return; // goes back when the channel closes
      held = true;
      busy = true;
      let settled = false;
      const settle = (how: () => void): void => {
        if (settled || !open || closed) return;
        settled = true;
        how();
      };
      const handBack = (how: () => void): void => {
        busy = false;
        if (leaving === undefined) how();
        else finishLeaving();
      };
      const delivery: Delivery = {
        message: toIncoming(raw),
        lane,
        attempt: attemptOf(raw),
        ack: () =>
          settle(() => {
            busy = false;
            // Cancelled before the acknowledgement, the next message is sent to the next member and counts no attempt here.
            if (leaving !== undefined) channel.cancel(consumerTag).catch(() => undefined);
            channel.ack(raw);
            if (leaving !== undefined) finishLeaving();
          }),
        retry: (delayMs) =>
          settle(() => {
            const again = (): void => {
              if (open) handBack(() => channel.reject(raw, true));
            };
            if (delayMs <= 0) again();
            else timer = setTimeout(again, Math.min(Math.ceil(delayMs) + 1, MAX_HOLD_MS));
          }),
        release: () => settle(() => handBack(() => channel.nack(raw, false, true))),
      };
      context.deliver(delivery);
    };
    ({ consumerTag } = await channel.consume(queue, receive));
  }

  function start(): KeptChannel {
    const { connection, settings, restore } = context;
    return keepChannel({
      connection,
      logger: settings.logger,
      waitMs: settings.requestTimeoutMs,
      what: `consuming ${queue}`,
      attach,
      restore,
    });
  }

  function finishLeaving(): void {
    const old = kept;
    kept = undefined;
    gone = old?.close().then(() => {
      const rejoin = leaving?.rejoin ?? false;
      leaving = undefined;
      if (rejoin && !closed) kept ??= start();
    });
  }

  kept = start();
  return {
    attached: kept.attached,
    get held() {
      return held;
    },
    get unsettled() {
      return busy ? 1 : 0;
    },
    leave(rejoin) {
      if (closed || (kept === undefined && leaving === undefined)) return;
      leaving = { rejoin };
      if (!busy && !rejoin && kept !== undefined) finishLeaving();
    },
    join() {
      if (closed) return;
      if (leaving === undefined) kept ??= start();
      else leaving = kept === undefined ? { rejoin: true } : undefined;
    },
    async close() {
      closed = true;
      await Promise.all([kept?.close(), gone]);
    },
  };
}

/** The server ends a channel that holds a message for 30 minutes (`consumer_timeout`). */
const MAX_HOLD_MS = 25 * 60_000;
