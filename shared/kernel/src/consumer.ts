import './signal.ts';
import type { CloudEvent } from './cloud-event.ts';

/** What a handler is told besides the message. */
export interface HandlerContext {
  /** `<service>.<handler>` for events; the context for commands. */
  readonly consumer: string;
  /** 1 for the first handling that started, counted across crashes and replicas. */
  readonly attempt: number;
  /** Aborts when the handler has run for `timeoutMs`, or when the drain budget is over. */
  readonly signal: AbortSignal;
}

/**
 * Resolve: done, the message is settled. Throw: tried again after the backoff, then a dead letter.
 * Throw `Reject`, or let a `MessagingError` `invalid` or `too-large` pass: a dead letter at once. Delivery is at least
 * once: the same message may come again.
 */
export type Handler = (message: CloudEvent, context: HandlerContext) => Promise<void>;

/** Exponential backoff with jitter. The delay after attempt n is at least `initialDelayMs * factor^(n-1)`. */
export interface RetryPolicy {
  /** Handlings in all, the first included. @default 5 */
  readonly maxAttempts?: number;
  /** @default 100 */
  readonly initialDelayMs?: number;
  /** @default 30_000 */
  readonly maxDelayMs?: number;
  /** @default 2 */
  readonly factor?: number;
  /** Up to this share of the delay is added at random, so that what failed together does not come back together. @default 0.2 */
  readonly jitter?: number;
}

/** What every consumer can be told, of a stream or of a queue. */
export interface ConsumerOptions {
  /** Most handlers of this consumer that run at one time. By key, at most one a lane as well. @default 16 */
  readonly concurrency?: number;
  readonly retry?: RetryPolicy;
  /** How long one handling may take. @default 30_000 */
  readonly timeoutMs?: number;
}

/** What was still unfinished when the drain budget was over. */
export interface DrainReport {
  /** Handlings that finished during the drain. */
  readonly finished: number;
  /** Ids of messages whose handling was cut off; they are delivered again, to this or to another member. */
  readonly abandoned: readonly string[];
}

/** A running subscription of this process. */
export interface Consumer {
  /** Whether the broker hands it messages: not while it cannot be reached, nor while it refuses this consumer. */
  readonly isAttached: boolean;
  /** Takes nothing more until `resume()`, and hands back what has not begun; what runs goes on. */
  pause(): void;
  resume(): void;
  /** Messages of the group that are not settled yet, over all members, at the moment of asking. */
  lag(): Promise<number>;
  /**
   * Stops taking, waits up to `budgetMs` for what is being handled, aborts the rest and leaves. Draining twice is one
   * drain. The group keeps its place.
   */
  drain(budgetMs: number): Promise<DrainReport>;
}
