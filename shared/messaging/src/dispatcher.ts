import type {
  CloudEvent,
  Clock,
  Contracts,
  DeadLetterCause,
  Handler,
  HandlerContext,
  Logger,
  Observation,
  Observer,
  Random,
} from '@waggle/kernel';
import { matchesType, messageOf, Reject } from '@waggle/kernel';
import type { Backoff } from './backoff.ts';
import { delayAfter } from './backoff.ts';
import { decode, Undecodable } from './codec.ts';
import type { DeadLetterLog } from './dead-letter-log.ts';
import type { Delivery } from './driver.ts';
import { contextOfHandling, inMessageContext } from './message-context.ts';
import { identify } from './publisher.ts';

/** What a dispatcher needs of its surroundings; the same for all consumers. */
export interface DispatcherServices {
  readonly deadLetters: DeadLetterLog;
  readonly contracts: Contracts | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly observer: Observer | undefined;
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
}

/** Ends one handling from outside: a drain that is over its budget. */
export type Cut = { readonly signal: AbortSignal };

/** Decodes, checks, handles and settles one delivery at a time; never throws. */
export type Dispatch = (delivery: Delivery, cut: Cut) => Promise<void>;

class TimedOut extends Error {}

export function createDispatcher(
  policy: DispatchPolicy,
  handler: Handler,
  services: DispatcherServices,
): Dispatch {
  const { deadLetters, contracts, clock, random, logger, observer } = services;
  const { consumer, origin, retry } = policy;

  async function deadLetter(
    delivery: Delivery,
    cause: DeadLetterCause,
    reason: string,
    event?: CloudEvent,
    attempts = 0,
  ): Promise<void> {
    const { message, lane } = delivery;
    try {
      await deadLetters.add({
        message,
        lane,
        consumer,
        origin,
        cause,
        reason,
        attempts,
        messageId: event?.id ?? message.id,
        messageType: event?.type ?? message.type,
      });
    } catch (error) {
      // Never settled before it is stored: the message comes again, and with it the next try to store it.
      logger.error('dead letter not stored', { consumer, id: message.id, reason: messageOf(error) });
      delivery.retry(delayAfter(Math.max(1, delivery.attempt), retry, random));
      return;
    }
    delivery.ack();
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

  /** Resolves when the handler did; by key, a handler that is late is waited for once more, so that its key does not overtake it. */
  async function runHandler(event: CloudEvent, delivery: Delivery, cut: Cut): Promise<void> {
    const abort = new AbortController();
    const onCut = (): void => abort.abort(cut.signal.reason);
    cut.signal.addEventListener('abort', onCut, { once: true });
    const context: HandlerContext = { consumer, attempt: delivery.attempt, signal: abort.signal };
    const messageContext = contextOfHandling(event, () => delivery.message.headers['traceparent']);
    const handling = inMessageContext(messageContext, async () => handler(event, context));
    try {
      await withDeadline(handling, abort);
    } finally {
      cut.signal.removeEventListener('abort', onCut);
    }
  }

  async function withDeadline(handling: Promise<void>, abort: AbortController): Promise<void> {
    const timedOut = Symbol('timed out');
    const deadline = () => {
      let cancel = (): void => undefined;
      const passed = new Promise<typeof timedOut>((resolve) => {
        cancel = clock.after(policy.timeoutMs, () => resolve(timedOut));
      });
      return { passed, cancel };
    };
    const first = deadline();
    const outcome = await Promise.race([handling, first.passed]).finally(first.cancel);
    if (outcome !== timedOut) return;
    const error = new TimedOut(`the handler was not done after ${policy.timeoutMs} ms`);
    abort.abort(error);
    const late = handling.catch(() => undefined);
    if (policy.ordered) {
      const second = deadline();
      await Promise.race([late, second.passed]).finally(second.cancel);
    }
    throw error;
  }

  async function failed(
    error: unknown,
    event: CloudEvent,
    delivery: Delivery,
    durationMs: number,
  ): Promise<void> {
    const reason = messageOf(error);
    const { attempt } = delivery;
    if (error instanceof Reject) return deadLetter(delivery, 'rejected', reason, event, attempt);
    if (attempt >= retry.maxAttempts)
      return deadLetter(delivery, 'attempts-exhausted', reason, event, attempt);
    const late = error instanceof TimedOut;
    delivery.retry(late ? 0 : delayAfter(attempt, retry, random));
    observe(late ? 'timed-out' : 'retried', delivery, event, { reason, durationMs });
    logger.warn('handling failed', { consumer, type: event.type, id: event.id, attempt, reason });
  }

  async function handle(event: CloudEvent, delivery: Delivery, cut: Cut): Promise<void> {
    if (delivery.attempt > retry.maxAttempts) {
      const reason = `no handling finished in ${retry.maxAttempts} attempts`;
      return deadLetter(delivery, 'attempts-exhausted', reason, event, delivery.attempt - 1);
    }
    const startedAt = clock.now();
    try {
      await runHandler(event, delivery, cut);
    } catch (error) {
      if (cut.signal.aborted) return delivery.release();
      return failed(error, event, delivery, clock.now() - startedAt);
    }
    delivery.ack();
    const now = clock.now();
    const age = event.time === undefined ? {} : { ageMs: now - Date.parse(event.time) };
    observe('handled', delivery, event, { durationMs: now - startedAt, ...age });
  }

  async function unhandled(delivery: Delivery, event: CloudEvent, reason: string): Promise<void> {
    if (policy.unhandled === 'dead-letter') return deadLetter(delivery, 'unhandled', reason, event);
    delivery.ack();
    observe('skipped', delivery, event, { reason });
  }

  return async (delivery, cut) => {
    const foreign = (type: string): boolean => !policy.types.some((pattern) => matchesType(pattern, type));
    const { type } = delivery.message;
    if (origin === 'stream' && type !== undefined && foreign(type)) {
      return delivery.ack(); // not what this group asked for: some drivers deliver whole lanes
    }
    let event: CloudEvent;
    try {
      event = decode(delivery.message);
    } catch (error) {
      if (!(error instanceof Undecodable)) throw error;
      return deadLetter(delivery, 'undecodable', error.message);
    }
    if (foreign(event.type)) {
      return origin === 'stream'
        ? delivery.ack()
        : unhandled(delivery, event, `nobody here handles ${event.type}`);
    }
    const contract = contracts?.find(event.type);
    if (contracts !== undefined && contract === undefined) {
      return unhandled(delivery, event, `no contract declares ${event.type}`);
    }
    const problem = contract?.check(event.data);
    return problem === undefined
      ? handle(event, delivery, cut)
      : deadLetter(delivery, 'schema', problem, event);
  };
}
