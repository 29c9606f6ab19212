import type { Clock, Logger, Random } from '@waggle/kernel';
import { messageOf } from '@waggle/kernel';
import type { Backoff } from '../backoff.ts';
import { delayAfter } from '../backoff.ts';
import { decodeIfEvent } from '../codec.ts';
import type { Known } from './fold.ts';
import type { DeadLetterLog, HeldMessages } from './dead-letter-log.ts';
import { entryId } from './dead-letter-log.ts';
import type { Delivery, IncomingMessage, Lane } from '../driver.ts';

/** What is known to be held is looked up again so much later, should it have been forgotten by the log. */
const RECHECK_MS = 600_000;
/** A policy may retry at once; what waits for people must not spin. */
const LEAST_WAIT_MS = 20;

export interface HeldLanesOptions {
  readonly consumer: string;
  readonly retry: Backoff;
  readonly deadLetters: DeadLetterLog;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** The lanes of one consumer in which nothing goes on after a dead letter. */
export interface HeldLanes {
  /** Learns what is held, before anything is delivered. @throws MessagingError */
  open(): Promise<void>;
  /** The delivery as it is to be handled; `undefined` if it was settled, since its message is held or was discarded. Never rejects. */
  admit(delivery: Delivery): Promise<Delivery | undefined>;
  /** Its dead letter is stored: it stays where it is. Of a delivery that was admitted. */
  hold(delivery: Delivery): void;
  close(): void;
}

/** What this member knows of the message at the head of a lane. At most one a lane is remembered. */
type Head =
  /** It is held, as the log said then. `times` it came again since. */
  | { readonly kind: 'held'; readonly id: string; readonly checkedAt: number; times: number }
  /** It was given up on here, or something became of it: the log has to be looked at. */
  | { readonly kind: 'stirred'; readonly id: string }
  /** It failed here and comes again. */
  | {
      readonly kind: 'retried';
      readonly id: string;
      readonly attempt: number;
      readonly attemptsBefore: number;
    };

/**
 * A message that is held is not settled: it comes again and again, to whichever member, and each looks what became of
 * its entry. The state stands in the log of dead letters alone. The log is read for messages that come again and did not fail
 * here, which is seldom; one that is known to be held waits, without reading, until a follower of the log tells that
 * something was resolved.
 */
export function createHeldLanes(options: HeldLanesOptions): HeldLanes {
  const { consumer, retry, deadLetters, clock, random, logger } = options;
  const heads = new Map<Lane, Head>();
  let position: string | undefined;
  let running: Promise<HeldMessages> | undefined;
  let next: Promise<HeldMessages> | undefined;
  let following: AbortController | undefined;
  /** How often the follower has told of anything. */
  let tellings = 0;
  let closed = false;

  /** What the log says at a moment after the call: one that is being read may have been begun too early. */
  function look(): Promise<HeldMessages> {
    const begin = async (): Promise<HeldMessages> => {
      next = undefined;
      running = deadLetters.held(consumer);
      const held = await running;
      ({ position } = held);
      return held;
    };
    next ??= Promise.resolve(running).then(begin, begin);
    return next;
  }

  function remember(lane: Lane, head: Head): void {
    heads.set(lane, head);
    if (head.kind === 'held') follow();
  }

  /** It is done with. */
  function forget(lane: Lane): void {
    heads.delete(lane);
    if (![...heads.values()].some(({ kind }) => kind === 'held')) following?.abort();
  }

  /** As long as anything is held. */
  function follow(): void {
    if (following !== undefined || closed) return;
    const abort = new AbortController();
    following = abort;
    const stir = (isMeant: (head: Head) => boolean): void => {
      tellings++;
      for (const [lane, head] of heads) {
        if (head.kind === 'held' && isMeant(head)) heads.set(lane, { kind: 'stirred', id: head.id });
      }
    };
    const ended = (): void => {
      following = undefined;
      stir(() => true); // what was resolved meanwhile nobody told
    };
    deadLetters
      .watch(position, (id) => stir((head) => head.id === id), abort.signal)
      .then(ended, (error: unknown) => {
        logger.warn('dead letters cannot be followed', { consumer, reason: messageOf(error) });
        ended();
      });
  }

  const waitMs = (times: number): number => Math.max(LEAST_WAIT_MS, delayAfter(times, retry, random));

  function wait(lane: Lane, delivery: Delivery, head: Head & { kind: 'held' }): void {
    head.times++;
    remember(lane, head);
    delivery.retry(waitMs(head.times));
  }

  function idOf(message: IncomingMessage): string {
    return entryId(consumer, decodeIfEvent(message)?.id ?? message.id, message.body);
  }

  /** To be handled; its attempts count from after `attemptsBefore`. */
  function admitted(delivery: Delivery, attemptsBefore: number): Delivery {
    const { message, lane, attempt } = delivery;
    return {
      message,
      lane,
      // Where the broker has begun to count anew, nothing came before.
      attempt: attempt > attemptsBefore ? attempt - attemptsBefore : attempt,
      get isOver() {
        return delivery.isOver ?? false;
      },
      ack() {
        forget(lane);
        delivery.ack();
      },
      retry(delayMs) {
        remember(lane, { kind: 'retried', id: idOf(message), attempt, attemptsBefore });
        delivery.retry(delayMs);
      },
      release: () => delivery.release(),
    };
  }

  async function decide(delivery: Delivery, id: string): Promise<Delivery | undefined> {
    const { lane, attempt } = delivery;
    const before = tellings;
    const found = (await look()).byLane.get(lane);
    heads.delete(lane);
    if (found === undefined) return admitted(delivery, 0);
    if (found.entry.id !== id) {
      await displace(found);
      return admitted(delivery, 0);
    }
    if (found.occurrences.length > 0) {
      wait(lane, delivery, { kind: 'held', id, checkedAt: clock.now(), times: 0 });
      if (tellings !== before) heads.set(lane, { kind: 'stirred', id }); // it may have been of this
      return undefined;
    }
    if (found.resolved === 'discarded') {
      forget(lane);
      delivery.ack();
      logger.info('a dead letter was discarded: its lane goes on', { consumer, id, lane });
      return undefined;
    }
    const { attemptsBefore = attempt - 1 } = found;
    // Noted first, so that attempts count on from there should this process die.
    if (found.attemptsBefore === undefined) {
      await deadLetters.note('dead-letter-resumed', { id, attemptsBefore });
    }
    logger.info('a dead letter was redriven: it is handled in its place', { consumer, id, lane });
    return admitted(delivery, attemptsBefore);
  }

  /** Its lane has gone on without it, so a redrive has to make a copy. */
  async function displace({ entry, occurrences, resolved, attemptsBefore }: Known): Promise<void> {
    const isPending = occurrences.length > 0 || (resolved === 'redriven' && attemptsBefore === undefined);
    if (!isPending) return;
    await deadLetters.note('dead-letter-displaced', { id: entry.id });
    logger.error('a dead letter that was held is no longer in its place: redrive it again', {
      consumer,
      id: entry.id,
    });
  }

  return {
    async open() {
      for (const [lane, { entry, occurrences, attemptsBefore }] of (await look()).byLane) {
        const { id } = entry;
        if (occurrences.length > 0 || attemptsBefore === undefined) heads.set(lane, { kind: 'stirred', id });
      }
    },
    async admit(delivery) {
      const { lane, attempt, message } = delivery;
      const head = heads.get(lane);
      if (lane === 'unordered') return delivery;
      if (head === undefined && attempt === 1) return admitted(delivery, 0);
      const id = idOf(message);
      const isSame = head?.id === id;
      if (head?.kind === 'held' && isSame && clock.now() - head.checkedAt < RECHECK_MS) {
        wait(lane, delivery, head);
        return undefined;
      }
      if (head?.kind === 'retried') {
        if (isSame && attempt === head.attempt + 1) return admitted(delivery, head.attemptsBefore);
        if (!isSame && attempt === 1) return admitted(delivery, 0);
      }
      try {
        return await decide(delivery, id);
      } catch (error) {
        logger.warn('what became of a dead letter cannot be seen', {
          consumer,
          id,
          reason: messageOf(error),
        });
        delivery.retry(waitMs(1));
        return undefined;
      }
    },
    hold(delivery) {
      const { lane, message } = delivery;
      delivery.retry(waitMs(1));
      heads.set(lane, { kind: 'stirred', id: idOf(message) });
    },
    close() {
      closed = true;
      following?.abort();
    },
  };
}
