import type { Consumer } from '@waggle/kernel';
import type { Messaging } from '@waggle/messaging';
import { within } from './deadline.ts';

/** Whoever asks how things are waits no longer than this for one answer. */
export const ANSWER_LIMIT_MS = 1_000;

/** How far each consumer is behind; `undefined` where the broker did not tell in time. */
export type Lags = ReadonlyMap<string, number | undefined>;

/** Asks for all lags side by side; for none while the broker is away, since each would wait for it. */
export async function lagsOf(
  { status }: Pick<Messaging, 'status'>,
  consumers: ReadonlyMap<string, Consumer>,
): Promise<Lags> {
  const ask = async (consumer: Consumer): Promise<number | undefined> =>
    status === 'open' ? within(ANSWER_LIMIT_MS, consumer.lag(), undefined).catch(() => undefined) : undefined;
  return new Map(
    await Promise.all([...consumers].map(async ([name, consumer]) => [name, await ask(consumer)] as const)),
  );
}
