import type { Clock, CloudEvent, Handler } from '@waggle/kernel';
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
  return async ({ event, attempt, ordered }: Handling, cut: Cut): Promise<void> => {
    const abort = new AbortController();
    const onCut = (): void => abort.abort(cut.signal.reason);
    cut.signal.addEventListener('abort', onCut, { once: true });
    const handling = (async () => handler(event, { consumer, attempt, signal: abort.signal }))();
    try {
      if (await within(timeoutMs, handling, clock)) return;
      const error = new TimedOut(`the handler was not done after ${timeoutMs} ms`);
      abort.abort(error);
      const late = handling.catch(() => undefined);
      if (ordered) await within(timeoutMs, late, clock);
      throw error;
    } finally {
      cut.signal.removeEventListener('abort', onCut);
    }
  };
}

/** Whether `work` was done before `timeoutMs` had passed; throws what it throws. */
export async function within(timeoutMs: number, work: Promise<void>, clock: Clock): Promise<boolean> {
  let cancel = (): void => undefined;
  const deadline = new Promise<boolean>((resolve) => {
    cancel = clock.after(timeoutMs, () => resolve(false));
  });
  return Promise.race([work.then(() => true), deadline]).finally(cancel);
}
