import { messageOf, type Clock } from '@waggle/kernel';
import type { ConsumeOptions, Delivery, DriverConsumer, DriverSettings } from '@waggle/messaging';
import type { NamedGroup } from './memory-namespace.ts';
import type { Attached, Session } from './memory-session.ts';

const REATTACH_MS = 250;

/** A consumer that attaches again to whatever session its driver has. */
export interface MemoryConsumer extends DriverConsumer {
  /** @throws MessagingError */
  attach(session: Session): void;
  /** The same after a reconnect: tries until it works. */
  reattach(): void;
  freeze(): void;
  thaw(): void;
}

/** What a consumer needs of its driver. */
export interface ConsumerServices {
  readonly settings: DriverSettings;
  readonly clock: Clock;
  readonly session: () => Session | undefined;
  readonly closed: (consumer: MemoryConsumer) => void;
}

export function createMemoryConsumer(
  options: ConsumeOptions,
  deliver: (delivery: Delivery) => void,
  { settings, clock, session: current, closed }: ConsumerServices,
): MemoryConsumer {
  let attached: Attached | undefined;
  let attachedTo: Session | undefined;
  let place: NamedGroup | undefined;
  let paused = false;
  let frozen = false;
  let left = false;
  let stopTrying = (): void => undefined;

  const lost = (): void => {
    attached?.detach();
    attachedTo = undefined;
    setImmediate(() => consumer.reattach());
  };

  const consumer: MemoryConsumer = {
    attach(session) {
      const { concurrency } = options;
      attached = session.attach(
        options,
        { concurrency, leaseMs: settings.leaseMs, paused, deliver, lost },
        place,
      );
      attachedTo = session;
      place = attached.place;
      if (frozen) attached.freeze();
    },
    reattach() {
      stopTrying();
      const session = current();
      if (left || session === undefined || session === attachedTo) return;
      try {
        consumer.attach(session);
      } catch (error) {
        settings.logger.warn('attaching again failed', { ...options.source, reason: messageOf(error) });
        stopTrying = clock.after(REATTACH_MS, () => consumer.reattach());
      }
    },
    freeze() {
      frozen = true;
      attached?.freeze();
    },
    thaw() {
      frozen = false;
      attached?.thaw();
    },
    pause() {
      paused = true;
      attached?.pause(true);
    },
    resume() {
      paused = false;
      attached?.pause(false);
    },
    async close() {
      left = true;
      stopTrying();
      attached?.detach();
      closed(consumer);
    },
  };
  return consumer;
}
