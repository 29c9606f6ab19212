import type { Logger, Observer } from '@waggle/kernel';
import { messageOf } from '@waggle/kernel';

/** An observer only looks on: what it throws is told to the log, and does nothing to the message. */
export function neverThrowing(observer: Observer | undefined, logger: Logger): Observer | undefined {
  if (observer === undefined) return undefined;
  return (observation) => {
    try {
      observer(observation);
    } catch (error) {
      logger.error('an observer must not throw', { reason: messageOf(error) });
    }
  };
}
