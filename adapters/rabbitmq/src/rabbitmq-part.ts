import type { ConfirmChannel, ConsumeMessage } from 'amqplib';
import { messageOf } from '@waggle/kernel';
import { createCumulativeAcks, SettleOnce, systemClock, type Lane, type Settlement } from '@waggle/messaging';
import { attemptOf, laneOf, MISSED_TYPE, toIncoming } from './rabbitmq-codec.ts';
import { countUnsettled } from './rabbitmq-session.ts';
import { createTap, type Consuming, type Tap } from './rabbitmq-tap.ts';

/** AMQP has 16 bits for it. */
const MAX_PREFETCH = 65_535;
/** The server ends a channel that holds a message for 30 minutes (`consumer_timeout`). */
const MAX_HOLD_MS = 25 * 60_000;
/** An acknowledgement is sent as soon as such a part of all places is free: fewer leave the server idle, more keep it busy. */
const PARTS = 16;
const AGAIN: Settlement = { kind: 'retry', delayMs: 0 };

export type Part = ReturnType<typeof createPart>;

/**
 * Takes from one queue of a source. A numbered lane is ordered: prefetch 1 and a single active consumer, so the server
 * serialises, and a retry is held unacknowledged, so that nothing of the lane goes on meanwhile. A member leaves its line by
 * closing the channel, because `basic.cancel` with a message unsettled, or on its way, gives the next member the message
 * after it first: therefore each lane has a channel of its own.
 *
 * Without order the prefetch is the concurrency. A retry becomes a copy in a delay queue, confirmed before the original is
 * acknowledged, so that it takes no place meanwhile; if it cannot be stored, the original goes back instead.
 */
export function createPart(consuming: Consuming, queue: string, lane?: Lane) {
  const { session, deliver, ended, putOff } = consuming;
  const isOrdered = typeof lane === 'number';
  const places = isOrdered ? 1 : Math.min(consuming.concurrency, MAX_PREFETCH);
  let tap: Tap | undefined;
  let flush = (): void => undefined;
  /** What has to be over before it is closed. */
  let pending: Promise<unknown> = Promise.resolve();
  let paused = false;
  let unsettled = 0;

  function hold(more: number): void {
    unsettled += more;
    countUnsettled(session.known, queue, more);
  }

  function opened(channel: ConfirmChannel): (raw: ConsumeMessage) => void {
    const acks = createCumulativeAcks(Math.ceil(places / PARTS), (raw: ConsumeMessage, allUpTo) => {
      if (tap?.settles(channel) === true) channel.ack(raw, allUpTo);
    });
    /** Received while all places were taken, which only follows a pause with work left over. */
    const waiting: ConsumeMessage[] = [];
    flush = acks.flush;
    part.held = false;
    hold(-unsettled);

    const isOver = (): boolean => tap?.settles(channel) !== true;

    function receive(raw: ConsumeMessage): void {
      if (raw.properties.type === MISSED_TYPE) {
        consuming.onMissed?.(Number(raw.content.toString('latin1')));
        return acks.ack(raw.fields.deliveryTag, raw);
      }
      if (paused) return isOrdered ? leave() : handBack(raw);
      if (unsettled >= places) return void waiting.push(raw);
      part.held = isOrdered;
      hold(1);
      const settle = (how: Settlement): void => onSettled(raw, how);
      deliver(new SettleOnce(toIncoming(raw), lane ?? laneOf(raw), attemptOf(raw), settle, isOver));
    }

    function onSettled(raw: ConsumeMessage, settlement: Settlement): void {
      if (tap?.settles(channel) !== true) return;
      const { kind } = settlement;
      if (kind === 'retry' && settlement.delayMs > 0) return later(raw, settlement.delayMs);
      hold(-1);
      const leaves = isOrdered && paused;
      if (kind === 'ack') {
        // Cancelled before the acknowledgement, the next message is sent to the next member and counts no attempt here.
        if (leaves || part.yields) tap.pause();
        acks.ack(raw.fields.deliveryTag, raw);
        if (part.yields) part.held = part.yields = false;
        if (!paused) tap.resume();
      } else if (!leaves) handBack(raw, kind);
      if (leaves) leave();
      else waiting.splice(0).forEach(receive);
    }

    function later(raw: ConsumeMessage, delayMs: number): void {
      const heldMs = Math.min(Math.ceil(delayMs) + 1, MAX_HOLD_MS);
      const holdOn = (): void => void systemClock.after(heldMs, () => onSettled(raw, AGAIN));
      if (isOrdered) return holdOn();
      const failed = (error: unknown): void => {
        session.settings.logger.warn('a retry waits in its place', { queue, reason: messageOf(error) });
        holdOn();
      };
      const copying = putOff(queue, raw, delayMs).then(() => onSettled(raw, { kind: 'ack' }), failed);
      pending = pending.then(() => copying);
    }

    function handBack(raw: ConsumeMessage, kind: 'release' | 'retry' = 'release'): void {
      acks.note(raw.fields.deliveryTag);
      if (kind === 'retry') channel.reject(raw, true);
      else channel.nack(raw, false, true);
    }
    return receive;
  }

  async function join(): Promise<void> {
    tap = createTap(consuming, queue, places, opened);
    await tap.start();
  }

  function leave(): void {
    flush();
    const leaving = tap?.close();
    pending = pending.then(() => leaving);
    tap = undefined;
    part.held = false;
    hold(-unsettled);
  }

  const part = {
    /** Whether this member has its lane: only the active one is sent messages. Known from the first message on. */
    held: false,
    /** Whether to go to the end of the line after the next message, when none is on its way here and counted as an attempt. */
    yields: false,
    start: join,
    pause(): void {
      paused = true;
      if (!isOrdered) tap?.pause();
      else if (unsettled === 0) leave();
    },
    resume(): void {
      paused = false;
      if (tap === undefined) join().catch(ended);
      else tap.resume();
    },
    async close(): Promise<void> {
      part.pause();
      await pending;
      leave();
      await pending;
    },
  };
  return part;
}
