import type { Clock, CloudEvent, Handler, HandlerContext } from '@waggle/kernel';
import { createDeadlines } from './deadlines.ts';
import type { DispatchPolicy } from './dispatcher.ts';

/** Ends handlings from outside: a drain that is over its budget. */
export interface Cut {
  readonly signal: AbortSignal;
}

/** The handler was not done in time. */
export class TimedOut extends Error {
  override readonly name = 'TimedOut';
}

/** One handling: of which message, for the how-manieth time, and whether the order of its lane hangs on it. */
interface Handling {
  readonly event: CloudEvent;
  readonly attempt: number;
  readonly ordered: boolean;
}

/**
 * Runs a handler under a deadline. When it passes, the handler's signal aborts; in an ordered lane the late handler is then
 * waited for once more, as long again, so that its key does not overtake it. Its late result is ignored.
 */
export function withTimeout(
  { consumer, timeoutMs }: Pick<DispatchPolicy, 'consumer' | 'timeoutMs'>,
  handler: Handler,
  clock: Clock,
) {
  const deadlines = createDeadlines(timeoutMs, clock);
  return async ({ event, attempt, ordered }: Handling, cut: Cut): Promise<void> => {
    const context = new Context(consumer, attempt, cut.signal);
    const handling = (async () => handler(event, context))();
    try {
      if (await deadlines.within(handling)) return;
      const error = new TimedOut(`the handler was not done after ${timeoutMs} ms`);
      context.abort(error);
      const late = handling.catch(() => undefined);
      if (ordered) await deadlines.within(late);
      throw error;
    } finally {
      context.end();
    }
  };
}

/** What a handler is told. The signal is made when it is first asked for: most handlers never do. */
class Context implements HandlerContext {
  readonly consumer: string;
  readonly attempt: number;
  readonly #cut: AbortSignal;
  #own: AbortController | undefined;
  #reason: unknown;

  constructor(consumer: string, attempt: number, cut: AbortSignal) {
    this.consumer = consumer;
    this.attempt = attempt;
    this.#cut = cut;
  }

  get signal(): AbortSignal {
    if (this.#own !== undefined) return this.#own.signal;
    this.#own = new AbortController();
    if (this.#reason !== undefined) this.#own.abort(this.#reason);
    else if (this.#cut.aborted) this.#onCut();
    else this.#cut.addEventListener('abort', this.#onCut, { once: true });
    return this.#own.signal;
  }

  abort(reason: unknown): void {
    this.#reason = reason;
    this.#own?.abort(reason);
  }

  /** The handling is over: a later cut is none of its business. */
  end(): void {
    if (this.#own !== undefined) this.#cut.removeEventListener('abort', this.#onCut);
  }

  readonly #onCut = (): void => this.#own?.abort(this.#cut.reason);
}
