import type { ConsumeOptions, Delivery, DriverConsumer } from '@waggle/messaging';
import { override, overrideConsumer, passDelivery } from '../suite/pass-through.ts';
import type { MemoryDriver } from '@waggle/adapter-memory';
import type { BrokenDriver } from './broken-driver.ts';

const ignore = (): void => undefined;

/** A driver whose consumers are changed; `change` is given each with what was asked of it. */
function changingConsumers(
  driver: MemoryDriver,
  change: (consumer: DriverConsumer, options: ConsumeOptions) => Partial<DriverConsumer>,
) {
  return override(driver, {
    async consume(options, deliver) {
      const consumer = await driver.consume(options, deliver);
      return overrideConsumer(consumer, change(consumer, options));
    },
  });
}

export const takesTooMuch: BrokenDriver = {
  name: 'takes four times as much as it has places for',
  plant: () => (driver) =>
    override(driver, {
      consume: (options, deliver) =>
        driver.consume({ ...options, concurrency: 4 * options.concurrency }, deliver),
    }),
  caughtBy: ['B10', 'G1', 'G4'],
};

export const takesTooFew: BrokenDriver = {
  name: 'never takes more than six at a time, whatever the concurrency',
  plant: () => (driver) =>
    override(driver, {
      consume: (options, deliver) =>
        driver.consume({ ...options, concurrency: Math.min(6, options.concurrency) }, deliver),
    }),
  caughtBy: ['B10', 'G2'],
};

export const neverResumes: BrokenDriver = {
  name: 'does not go on after a pause',
  plant: () => (driver) => changingConsumers(driver, () => ({ resume: ignore })),
  caughtBy: ['G3'],
};

export const neverPauses: BrokenDriver = {
  name: 'takes on during a pause',
  plant: () => (driver) => changingConsumers(driver, () => ({ pause: ignore, resume: ignore })),
  caughtBy: ['G3'],
};

export const leavesAtAPause: BrokenDriver = {
  name: 'lets go of what is being handled when it is paused',
  plant: () => (driver) =>
    changingConsumers(driver, (consumer) => ({ pause: () => void consumer.close(), resume: ignore })),
  caughtBy: ['B9', 'D6', 'E4', 'F15', 'G3', 'I1', 'I2', 'I5'],
};

export const handsBackLate: BrokenDriver = {
  name: 'hands back only when it leaves',
  plant: () => (driver) =>
    override(driver, {
      async consume(options, deliver) {
        const releases: (() => void)[] = [];
        const consumer = await driver.consume(options, (delivery) =>
          deliver({ ...passDelivery(delivery), release: () => releases.push(() => delivery.release()) }),
        );
        const close = (): Promise<void> => {
          for (const release of releases.splice(0)) release();
          return consumer.close();
        };
        return overrideConsumer(consumer, { close });
      },
    }),
  caughtBy: ['B10', 'G3', 'I2'],
};

export const dropsWhatIsBeingPublished: BrokenDriver = {
  name: 'confirms what is being published when it is closed, and drops it',
  plant: () => (driver) => {
    let closed = false;
    return override(driver, {
      async publish(messages) {
        if (driver.status !== 'open') return driver.publish(messages);
        await new Promise(setImmediate);
        return closed ? messages.map(() => undefined) : driver.publish(messages);
      },
      close() {
        closed = true;
        return driver.close();
      },
    });
  },
  caughtBy: ['I3'],
};

export const keepsWhatIsCutOff: BrokenDriver = {
  name: 'keeps what was not settled when it left',
  plant: () => (driver) =>
    override(driver, {
      async consume(options, deliver) {
        const held = new Set<Delivery>();
        const consumer = await driver.consume(options, (delivery) => {
          held.add(delivery);
          const settled = (settle: () => void): void => {
            held.delete(delivery);
            settle();
          };
          deliver({
            ...passDelivery(delivery),
            ack: () => settled(() => delivery.ack()),
            retry: (delayMs) => settled(() => delivery.retry(delayMs)),
            release: () => settled(() => delivery.release()),
          });
        });
        const close = async (): Promise<void> => {
          for (const delivery of held) delivery.ack();
          await consumer.close();
        };
        return overrideConsumer(consumer, { close });
      },
    }),
  caughtBy: ['I4'],
};

export const publishesNothingMeanwhile: BrokenDriver = {
  name: 'publishes nothing while a consumer is paused',
  plant: () => (driver) => {
    const resumed = new Set<() => void>();
    let paused = 0;
    const goOn = (): void => {
      for (const wake of resumed) wake();
      resumed.clear();
    };
    return override(driver, {
      async publish(messages) {
        if (paused > 0 && driver.status === 'open')
          await new Promise<void>((resolve) => resumed.add(resolve));
        return driver.publish(messages);
      },
      async consume(options, deliver) {
        const consumer = await driver.consume(options, deliver);
        let isPaused = false;
        const change = (to: boolean): void => {
          if (isPaused !== to) paused += to ? 1 : -1;
          isPaused = to;
          if (paused === 0) goOn();
        };
        return overrideConsumer(consumer, {
          pause() {
            change(true);
            consumer.pause();
          },
          resume() {
            change(false);
            consumer.resume();
          },
          close() {
            change(false);
            return consumer.close();
          },
        });
      },
    });
  },
  caughtBy: ['G3', 'I6'],
};
