import type { Delivery } from '@waggle/messaging';
import { changingDeliveries, override, passDelivery } from '../suite/pass-through.ts';
import type { BrokenDriver } from './broken-driver.ts';

const ignore = (): void => undefined;

export const acksFirst: BrokenDriver = {
  name: 'acknowledges before the handler has run',
  plant: () => (driver) =>
    changingDeliveries(driver, (delivery) => {
      delivery.ack();
      return { ...passDelivery(delivery), ack: ignore, retry: ignore, release: ignore };
    }),
  caughtBy: [
    'B10',
    'B8',
    'B9',
    'D5',
    'D6',
    'E2',
    'E3',
    'E4',
    'E5',
    'E6',
    'F1',
    'F10',
    'F11',
    'F12',
    'F13',
    'F14',
    'F15',
    'F2',
    'F3',
    'F4',
    'F5',
    'F6',
    'F7',
    'G1',
    'G3',
    'G4',
    'H6',
    'H8',
    'I2',
    'I4',
    'K7',
    'L1',
    'Q1',
    'Q5',
  ],
};

export const dropsARedelivery: BrokenDriver = {
  name: 'drops what comes for the second time',
  plant: () => (driver) =>
    override(driver, {
      consume: (options, deliver) =>
        driver.consume(options, (delivery) => (delivery.attempt === 2 ? delivery.ack() : deliver(delivery))),
    }),
  caughtBy: [
    'B8',
    'D5',
    'E4',
    'E6',
    'F1',
    'F10',
    'F11',
    'F12',
    'F13',
    'F14',
    'F2',
    'F3',
    'F4',
    'F5',
    'F6',
    'F7',
    'G1',
    'H4',
    'H6',
    'H8',
    'I4',
    'L1',
    'Q1',
    'Q5',
  ],
};

export const resetsAttempts: BrokenDriver = {
  name: 'counts attempts by connection instead of on the server',
  plant: () => (driver) => {
    const seen = new Map<string, number>();
    return override(driver, {
      consume: (options, deliver) =>
        driver.consume(options, (delivery) => {
          const key = `${JSON.stringify(options.source)} ${delivery.message.id}`;
          const attempt = delivery.attempt === 1 ? 1 : (seen.get(key) ?? 0) + 1;
          seen.set(key, attempt);
          deliver({ ...passDelivery(delivery), attempt });
        }),
    });
  },
  caughtBy: ['B8', 'E6', 'F1', 'F12', 'I4'],
};

export const ignoresTheDelay: BrokenDriver = {
  name: 'tries again at once, whatever the delay',
  plant: () => (driver) =>
    changingDeliveries(driver, (delivery) => ({ ...passDelivery(delivery), retry: () => delivery.retry(0) })),
  caughtBy: ['E5', 'F14', 'F3', 'F4', 'L1'],
};

export const countsAHandBack: BrokenDriver = {
  name: 'counts what is handed back as an attempt',
  plant: () => (driver) =>
    changingDeliveries(driver, (delivery) => ({
      ...passDelivery(delivery),
      release: () => delivery.retry(0),
    })),
  caughtBy: ['D6', 'F15', 'G3', 'I2'],
};

export const acksWhatCameBefore: BrokenDriver = {
  name: 'acknowledges everything that came before',
  plant: () => (driver) =>
    override(driver, {
      consume(options, deliver) {
        const open: Delivery[] = [];
        return driver.consume(options, (delivery) => {
          if (options.ordering === 'none') open.push(delivery);
          const ack = (): void => {
            for (const earlier of open.splice(0, open.indexOf(delivery) + 1)) earlier.ack();
            delivery.ack();
          };
          deliver({ ...passDelivery(delivery), ack });
        });
      },
    }),
  caughtBy: ['F12', 'F5'],
};

export const losesItsLease: BrokenDriver = {
  name: 'forgets to extend its lease while a handler runs',
  plant:
    () =>
    (driver, { leaseMs }) =>
      changingDeliveries(driver, (delivery) => {
        const timer = setTimeout(() => driver.freeze(), leaseMs / 10);
        const settled = (settle: () => void): void => {
          clearTimeout(timer);
          settle();
          driver.thaw();
        };
        return {
          ...passDelivery(delivery),
          ack: () => settled(() => delivery.ack()),
          retry: (delayMs) => settled(() => delivery.retry(delayMs)),
          release: () => settled(() => delivery.release()),
        };
      }),
  caughtBy: ['F14', 'H6'],
};
