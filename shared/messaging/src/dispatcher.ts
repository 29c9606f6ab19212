import type {
  CloudEvent,
  Clock,
  Contracts,
  DeadLetterCause,
  Handler,
  Logger,
  Observation,
  Observer,
  Random,
} from '@waggle/kernel';
import { matchesType, MessagingError, messageOf, Reject } from '@waggle/kernel';
import type { Backoff } from './backoff.ts';
import { delayAfter } from './backoff.ts';
import { decode, Undecodable } from './codec.ts';
import { pause } from './kit/waiting.ts';
import type { DeadLetterLog } from './dead-letters/dead-letter-log.ts';
import type { Delivery } from './driver.ts';
import { expiryOf } from './expiry.ts';
import type { HeldLanes } from './dead-letters/held-lanes.ts';
import type { Cut } from './handling.ts';
import { TimedOut, withTimeout } from './handling.ts';
import { contextOfHandling, inMessageContext } from './message-context.ts';
import { identify } from './publisher.ts';
import { upcast } from './upcast.ts';

/**
 * Where being handed back counts as an attempt, so many may have been no handling: a message is not given up on for them,
 * and one that kills its process comes so much oftener.
 */
const MOST_HAND_BACKS = 5;

/** What is wrong with the data; a check that throws has found something, too. */
function problemOf(
  contract: NonNullable<ReturnType<Contracts['find']>>,
  { data }: CloudEvent,
): string | undefined {
  try {
    return contract.check(data);
  } catch (error) {
    return `the check of its contract failed: ${messageOf(error)}`;
  }
}

/** What the handler rejects, and what it wants to send that nobody would take: trying again would not help. */
function isHopeless(error: unknown): boolean {
  if (error instanceof Reject) return true;
  return error instanceof MessagingError && (error.code === 'invalid' || error.code === 'too-large');
}

/** What a dispatcher needs of its surroundings; the same for all consumers. */
export interface DispatcherServices {
  readonly deadLetters: DeadLetterLog;
  readonly contracts: Contracts | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly observer: Observer | undefined;
  /** See the driver port. */
  readonly releaseCounts: () => boolean;
}

/** What a consumer decided about its messages. */
export interface DispatchPolicy {
  readonly consumer: string;
  readonly origin: 'stream' | 'queue';
  /** Types that are meant for the handler. */
  readonly types: readonly string[];
  /** For what no contract declares and, of a queue, what has no handler. */
  readonly unhandled: 'skip' | 'dead-letter';
  readonly ordered: boolean;
  readonly timeoutMs: number;
  readonly retry: Backoff;
  /** For a consumer whose lanes wait after a dead letter. */
  readonly heldLanes?: HeldLanes | undefined;
}

/** A delivery that is being worked on. */
interface Taken {
  readonly delivery: Delivery;
  readonly cut: Cut;
}

/** Decodes, checks, handles and settles one delivery. Throws only for a defect of ours, with the delivery unsettled. */
export type Dispatch = (delivery: Delivery, cut: Cut) => Promise<void>;

export function createDispatcher(
  policy: DispatchPolicy,
  handler: Handler,
  services: DispatcherServices,
): Dispatch {
  const { deadLetters, contracts, clock, random, logger, observer } = services;
  const { consumer, origin, retry, heldLanes } = policy;
  const run = withTimeout(policy, handler, clock);

  /** Keeps the message until its dead letter is stored: never settled before, and never for another reason. */
  async function deadLetter(
    { delivery, cut }: Taken,
    cause: DeadLetterCause,
    reason: string,
    event?: CloudEvent,
    attempts = 0,
  ): Promise<void> {
    const { message, lane } = delivery;
    const messageId = event?.id ?? message.id;
    const messageType = event?.type ?? message.type;
    const held = heldLanes !== undefined && lane !== 'unordered';
    const report = { message, lane, consumer, origin, cause, reason, attempts, messageId, messageType, held };
    let stored = false;
    for (let tries = 1; !stored && !cut.signal.aborted; tries++) {
      try {
        await deadLetters.add(report);
        stored = true;
      } catch (error) {
        logger.error('dead letter not stored', { consumer, id: messageId, tries, reason: messageOf(error) });
        await pause(clock, delayAfter(tries, retry, random), cut.signal);
      }
    }
    if (!stored) return delivery.release();
    if (held) heldLanes.hold(delivery);
    else delivery.ack();
    const about = { consumer, type: messageType, id: messageId, cause, attempts, reason };
    logger.error('gave up', held ? { ...about, waits: `lane ${lane}` } : about);
    observe('dead-lettered', delivery, event, { reason });
  }

  function observe(
    what: Observation['what'],
    delivery: Delivery,
    event: CloudEvent | undefined,
    more: Partial<Observation> = {},
  ): void {
    if (observer === undefined) return;
    const known =
      event === undefined
        ? { ...(delivery.message.id !== undefined && { id: delivery.message.id }) }
        : identify(event);
    observer({ what, consumer, attempt: delivery.attempt, ...known, ...more });
  }

  async function failed(error: unknown, event: CloudEvent, taken: Taken, durationMs: number): Promise<void> {
    const { delivery } = taken;
    const reason = messageOf(error);
    const { attempt } = delivery;
    if (isHopeless(error)) return deadLetter(taken, 'rejected', reason, event, attempt);
    if (attempt >= retry.maxAttempts) return deadLetter(taken, 'attempts-exhausted', reason, event, attempt);
    const late = error instanceof TimedOut;
    delivery.retry(late ? 0 : delayAfter(attempt, retry, random));
    observe(late ? 'timed-out' : 'retried', delivery, event, { reason, durationMs });
    logger.warn('handling failed', { consumer, type: event.type, id: event.id, attempt, reason });
  }

  /** Of a queue: it asks for what makes no sense any more. What cannot be read never expires: better late than lost. */
  function isExpired(event: CloudEvent): boolean {
    if (origin !== 'queue') return false;
    const expiry = expiryOf(event);
    if (!Number.isNaN(expiry)) return expiry !== undefined && expiry <= clock.now();
    const { type, id, expirytime } = event;
    logger.warn('an expirytime cannot be read: it counts as none', { consumer, type, id, expirytime });
    return false;
  }

  function expired(event: CloudEvent, { delivery }: Taken): void {
    delivery.ack();
    const reason = `its time was over at ${event.expirytime}`;
    logger.warn('not handled', { consumer, type: event.type, id: event.id, reason });
    observe('expired', delivery, event, { reason, ...ageOf(event) });
  }

  function ageOf({ time = '' }: CloudEvent): Pick<Observation, 'ageMs'> {
    const ageMs = clock.now() - Date.parse(time);
    return Number.isFinite(ageMs) ? { ageMs } : {}; // a foreign producer may write anything there
  }

  async function handle(event: CloudEvent, taken: Taken): Promise<void> {
    const { delivery, cut } = taken;
    if (isExpired(event)) return expired(event, taken);
    const handBacks = services.releaseCounts() ? MOST_HAND_BACKS : 0;
    if (delivery.attempt > retry.maxAttempts + handBacks) {
      const reason = `no handling finished in ${delivery.attempt - 1} attempts`;
      return deadLetter(taken, 'attempts-exhausted', reason, event, delivery.attempt - 1);
    }
    const startedAt = performance.now();
    try {
      const context = contextOfHandling(event, () => delivery.message.headers['traceparent']);
      const ordered = policy.ordered && delivery.lane !== 'unordered';
      await inMessageContext(context, () => run({ event, attempt: delivery.attempt, ordered }, cut));
    } catch (error) {
      if (cut.signal.aborted) return delivery.retry(0);
      return failed(error, event, taken, performance.now() - startedAt);
    }
    delivery.ack();
    if (observer === undefined) return;
    observe('handled', delivery, event, { durationMs: performance.now() - startedAt, ...ageOf(event) });
  }

  async function unhandled(taken: Taken, event: CloudEvent, reason: string): Promise<void> {
    if (policy.unhandled === 'dead-letter') return deadLetter(taken, 'unhandled', reason, event);
    taken.delivery.ack();
    observe('skipped', taken.delivery, event, { reason });
  }

  /** What an upcaster made of it has to be right as well. */
  async function newest(event: CloudEvent, taken: Taken): Promise<void> {
    let current: CloudEvent;
    try {
      current = upcast(event, policy.types, contracts);
    } catch (error) {
      if (!(error instanceof Undecodable)) throw error;
      return deadLetter(taken, 'schema', error.message, event);
    }
    const contract = current === event ? undefined : contracts?.find(current.type);
    const problem = contract && problemOf(contract, current);
    return problem === undefined ? handle(current, taken) : deadLetter(taken, 'schema', problem, event);
  }

  function foreign(type: string): boolean {
    return !policy.types.some((pattern) => matchesType(pattern, type));
  }

  return async (arrived, cut) => {
    const delivery = heldLanes === undefined ? arrived : await heldLanes.admit(arrived);
    if (delivery === undefined) return;
    const taken = { delivery, cut };
    const { type } = delivery.message;
    if (origin === 'stream' && type !== undefined && foreign(type)) {
      return delivery.ack(); // not what this group asked for: some drivers deliver whole lanes
    }
    let event: CloudEvent;
    try {
      event = decode(delivery.message);
    } catch (error) {
      if (!(error instanceof Undecodable)) throw error;
      return deadLetter(taken, 'undecodable', error.message);
    }
    if (foreign(event.type)) {
      return origin === 'stream'
        ? delivery.ack()
        : unhandled(taken, event, `nobody here handles ${event.type}`);
    }
    const contract = contracts?.find(event.type);
    if (contracts !== undefined && contract === undefined) {
      return unhandled(taken, event, `no contract declares ${event.type}`);
    }
    const problem = contract && problemOf(contract, event);
    if (problem !== undefined) return deadLetter(taken, 'schema', problem, event);
    return newest(event, taken);
  };
}
