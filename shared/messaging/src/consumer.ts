import type { Consumer, ConsumerOptions, DrainReport } from '@waggle/kernel';
import { MessagingError, messageOf } from '@waggle/kernel';
import { checkAtLeast } from './backoff.ts';
import type { Dispatch, DispatcherServices } from './dispatcher.ts';
import type { BrokerDriver, ConsumeOptions, Delivery } from './driver.ts';
import { within } from './kit/waiting.ts';

const CONCURRENCY = 16;
const TIMEOUT_MS = 30_000;
/** How long a broker that does not answer is waited for in the end. */
const CLOSE_MS = 10_000;

/** Fills in the defaults. @throws MessagingError `invalid` */
export function consumerDefaults({ concurrency = CONCURRENCY, timeoutMs = TIMEOUT_MS }: ConsumerOptions) {
  checkAtLeast('concurrency', concurrency, 1);
  checkAtLeast('timeoutMs', timeoutMs, 1);
  return { concurrency, timeoutMs };
}

/** @throws MessagingError `invalid`, naming the option that is not known */
export function checkOptions(what: string, options: object, known: readonly string[]): void {
  for (const name of Object.keys(options)) {
    if (!known.includes(name))
      throw new MessagingError('invalid', `${what}: "${name}" is not an option: use ${known.join(', ')}`);
  }
}

/**
 * Runs the handlings of one consumer: never more than its concurrency at a time, none while paused or draining. What a
 * driver hands over beyond that (by key, one a lane) waits here, and is handed back by a drain. By key, a lane that is
 * handed over again while its last handling still runs here, as after a lost connection, waits for that.
 */
export async function startConsumer(
  driver: BrokerDriver,
  options: ConsumeOptions,
  dispatch: Dispatch,
  { clock, logger, left }: Pick<DispatcherServices, 'clock' | 'logger'> & { readonly left?: () => void },
): Promise<Consumer> {
  const waiting: Delivery[] = [];
  const running = new Set<Delivery>();
  /** Ordered lanes with a handling that runs. */
  const busy = new Set<Delivery['lane']>();
  const cut = new AbortController();
  let paused = false;
  let draining: Promise<DrainReport> | undefined;
  let finishedWhileDraining = 0;
  let onIdle = (): void => undefined;

  function startWhatMay(): void {
    while (!paused && draining === undefined && running.size < options.concurrency) {
      const place = busy.size === 0 ? 0 : waiting.findIndex(({ lane }) => !busy.has(lane));
      const next = waiting[place];
      if (next === undefined) return;
      waiting.splice(place, 1);
      if (next.isOver !== true) void run(next);
    }
  }

  async function run(delivery: Delivery): Promise<void> {
    const exclusive = options.ordering === 'by-key' && delivery.lane !== 'unordered';
    running.add(delivery);
    if (exclusive) busy.add(delivery.lane);
    try {
      await dispatch(delivery, cut);
    } catch (error) {
      // A defect of ours, not of the handler: the message must neither be lost nor spin.
      logger.error('dispatch failed', { id: delivery.message.id, reason: String(error) });
      delivery.retry(1_000);
    }
    running.delete(delivery);
    if (exclusive) busy.delete(delivery.lane);
    if (draining !== undefined) finishedWhileDraining++;
    if (running.size === 0) onIdle();
    startWhatMay();
  }

  function handBack(): void {
    for (const delivery of waiting.splice(0)) delivery.release();
  }

  async function drain(budgetMs: number): Promise<DrainReport> {
    attached.pause();
    handBack();
    await idleWithin(budgetMs);
    // What ends because it is cut off has not finished.
    const report = {
      finished: finishedWhileDraining,
      abandoned: [...running].map(({ message }) => message.id ?? 'unknown'),
    };
    cut.abort(new MessagingError('closed', `drained: the budget of ${budgetMs} ms is over`));
    const late = (): Error =>
      new Error(`no answer in ${CLOSE_MS} ms: the broker will notice that nobody is there`);
    await within(clock, CLOSE_MS, attached.close(), late).catch((error: unknown) => {
      logger.warn('a consumer was not closed', { ...options.source, reason: messageOf(error) });
    });
    left?.();
    return report;
  }

  async function idleWithin(budgetMs: number): Promise<void> {
    if (running.size === 0) return;
    await new Promise<void>((resolve) => {
      const cancel = clock.after(budgetMs, resolve);
      onIdle = () => {
        cancel();
        resolve();
      };
    });
  }

  const attached = await driver.consume(options, (delivery) => {
    if (draining !== undefined) return delivery.release();
    waiting.push(delivery);
    startWhatMay();
  });

  return {
    get isAttached() {
      return attached.isAttached !== false;
    },
    pause() {
      paused = true;
      attached.pause();
      handBack(); // any other member may have it meanwhile
    },
    resume() {
      if (draining !== undefined) return;
      paused = false;
      attached.resume();
      startWhatMay();
    },
    lag: () => driver.lag(options.source),
    drain: (budgetMs) => (draining ??= drain(budgetMs)),
  };
}
