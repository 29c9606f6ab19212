import type { Clock, Logger } from '@waggle/kernel';
import { messageOf } from '@waggle/kernel';
import type { Store } from '@waggle/messaging';

const HOUR_MS = 3_600_000;

export interface HousekeepingOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long the inbox knows a message. */
  readonly inboxMaxAgeMs: number;
}

/** Once an hour, and at the start: what the inbox need not know any more is forgotten. */
export function createHousekeeping({ store, clock, logger, inboxMaxAgeMs }: HousekeepingOptions) {
  let cancel = (): void => undefined;

  async function tidy(): Promise<void> {
    cancel = clock.after(HOUR_MS, () => void tidy());
    try {
      await store.forgetHandled(clock.now() - inboxMaxAgeMs);
    } catch (error) {
      logger.warn('the inbox was not tidied', { reason: messageOf(error) });
    }
  }

  return { start: () => void tidy(), stop: () => cancel() };
}
