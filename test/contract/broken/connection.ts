import { setTimeout as delay } from 'node:timers/promises';
import type { IncomingMessage } from '@waggle/messaging';
import { override, overrideConsumer, passDelivery } from '../suite/pass-through.ts';
import type { BrokenDriver } from './broken-driver.ts';

const ignore = (): void => undefined;

export const confirmsBeforeStoring: BrokenDriver = {
  name: 'confirms what it has not stored yet',
  plant: () => (driver) =>
    override(driver, {
      async publish(messages) {
        void delay(60).then(() => driver.publish(messages));
        return messages.map(() => undefined);
      },
    }),
  caughtBy: [
    'A1',
    'A3',
    'A4',
    'A5',
    'A6',
    'B1',
    'B6',
    'C1',
    'C2',
    'C4',
    'C5',
    'C7',
    'D3',
    'D4',
    'E6',
    'F16',
    'F6',
    'H4',
    'H5',
    'I3',
    'I6',
    'J1',
    'J2',
    'J3',
    'K1',
    'K2',
    'K3',
    'K4',
    'K5',
    'K6',
    'K7',
    'K8',
    'Q4',
  ],
};

export const hidesFailures: BrokenDriver = {
  name: 'confirms what could not be stored',
  plant: () => (driver) =>
    override(driver, { publish: async (messages) => (await driver.publish(messages)).map(() => undefined) }),
  caughtBy: ['A3', 'A4', 'A5', 'A6', 'C4', 'C5', 'F6', 'H5', 'J2', 'J3', 'K8', 'Q4'],
};

export const leaksAfterClose: BrokenDriver = {
  name: 'goes on taking messages for a consumer that has left',
  plant: () => (driver) =>
    override(driver, {
      async consume(options, deliver) {
        let left = false;
        const consumer = await driver.consume(options, (delivery) => {
          if (!left) deliver(delivery);
        });
        const close = async (): Promise<void> => void (left = true);
        return overrideConsumer(consumer, { pause: ignore, resume: ignore, close });
      },
    }),
  caughtBy: ['B9', 'D6', 'E4', 'F15', 'G3', 'I1', 'I4', 'I5', 'K4', 'K7', 'K8'],
};

export const bringsBackTheLast: BrokenDriver = {
  name: 'brings back what was acknowledged last when somebody connects anew',
  plant() {
    const last = new Map<string, IncomingMessage>();
    return (driver, { namespace }) =>
      override(driver, {
        async consume(options, deliver) {
          const key = `${namespace} ${JSON.stringify(options.source)}`;
          const again = last.get(key);
          last.delete(key);
          const consumer = await driver.consume(options, (delivery) => {
            const ack = (): void => {
              last.set(key, delivery.message);
              delivery.ack();
            };
            deliver({ ...passDelivery(delivery), ack });
          });
          const settled = { ack: ignore, retry: ignore, release: ignore };
          if (again !== undefined) deliver({ message: again, lane: 'unordered', attempt: 2, ...settled });
          return consumer;
        },
      });
  },
  caughtBy: ['A8', 'B7', 'B9', 'E4', 'F12', 'F15', 'H6', 'I1', 'I5', 'K3', 'K4', 'K8'],
};

export const goesDeaf: BrokenDriver = {
  name: 'reconnects, and forgets its consumers',
  plant: () => (driver) => {
    let deaf = false;
    const look = (): void => void (deaf ||= driver.status === 'reconnecting');
    return override(driver, {
      publish(messages) {
        look();
        return driver.publish(messages);
      },
      consume(options, deliver) {
        setInterval(look, 5).unref();
        return driver.consume(options, (delivery) => (deaf ? undefined : deliver(delivery)));
      },
    });
  },
  caughtBy: ['H1', 'H2', 'H5', 'H6', 'H7', 'Q2'],
};

export const servesFewConsumers: BrokenDriver = {
  name: 'serves no more than sixteen consumers',
  plant: () => (driver) => {
    let count = 0;
    return override(driver, {
      consume: (options, deliver) => driver.consume(options, ++count > 16 ? ignore : deliver),
    });
  },
  caughtBy: ['B4'],
};

export const mixesUpQueues: BrokenDriver = {
  name: 'puts all commands into the queue that was declared first',
  plant: () => (driver) => {
    let first: string | undefined;
    return override(driver, {
      declare(topology) {
        first ??= topology.queues?.[0];
        return driver.declare(topology);
      },
      publish: (messages) =>
        driver.publish(
          messages.map((message) =>
            message.to.kind === 'queue' && first !== undefined
              ? { ...message, to: { kind: 'queue', context: first } }
              : message,
          ),
        ),
    });
  },
  caughtBy: ['B11', 'B3', 'J3'],
};

export const readsFromTheBeginning: BrokenDriver = {
  name: 'lets every reader begin at the beginning',
  plant: () => (driver) =>
    override(driver, { read: (source, options) => driver.read(source, { ...options, from: 'beginning' }) }),
  caughtBy: ['D3', 'K2', 'K5', 'K7'],
};

export const ignoresTheSignal: BrokenDriver = {
  name: 'ignores the signal that ends its opening',
  plant: () => (driver) =>
    override(driver, { open: ({ waitMs } = {}) => driver.open(waitMs === undefined ? {} : { waitMs }) }),
  caughtBy: ['A5'],
};

export const neverWaits: BrokenDriver = {
  name: 'does not wait for its server',
  plant: () => (driver) =>
    override(driver, { open: ({ signal } = {}) => driver.open(signal === undefined ? {} : { signal }) }),
  caughtBy: ['A5', 'A7'],
};

export const staysOpen: BrokenDriver = {
  name: 'says that it is open when it is closed',
  plant: () => (driver) =>
    Object.defineProperty(override(driver, {}), 'status', {
      get: () => (driver.status === 'closed' ? 'open' : driver.status),
    }),
  caughtBy: ['A1', 'A2', 'A3', 'A6'],
};
