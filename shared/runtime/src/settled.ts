import type { Consumer } from '@waggle/kernel';
import type { Messaging, Store } from '@waggle/messaging';
import { lagsOf } from './lags.ts';
import type { WiredService } from './wiring.ts';

/**
 * Whether nothing is under way. A message is in the outbox until the broker has it, and counts as not handled until what
 * handling it added to the outbox is there; so if nothing happened while both were looked at, there is nothing.
 * @param happened how many things have happened to messages so far
 */
export async function isSettled(
  store: Store,
  messaging: Messaging,
  consumers: ReadonlyMap<string, Consumer>,
  wired: readonly WiredService[],
  happened: () => number,
): Promise<boolean> {
  const before = happened();
  const { entries } = await store.outbox({ after: 0, limit: 1 });
  if (entries.length > 0) return false;
  const lags = [...(await lagsOf(messaging, consumers)).values()];
  if (lags.some((lag) => lag !== 0)) return false;
  const caughtUp = await Promise.all(wired.map(({ readModels }) => readModels.areCaughtUp()));
  const again = await store.outbox({ after: 0, limit: 1 });
  return caughtUp.every(Boolean) && again.entries.length === 0 && happened() === before;
}
