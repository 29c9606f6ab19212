import { setTimeout as delay } from 'node:timers/promises';
import type { BrokerDriver, ConsumeOptions, Delivery } from '@waggle/messaging';
import { override, passDelivery } from '../suite/pass-through.ts';
import type { BrokenDriver } from './broken-driver.ts';

/** Told whenever something is published while the connection is lost. */
function whenLost(driver: BrokerDriver, lost: () => void): Pick<BrokerDriver, 'publish'> {
  return {
    publish(messages) {
      if (driver.status === 'reconnecting') lost();
      return driver.publish(messages);
    },
  };
}

export const confirmsDuringAnOutage: BrokenDriver = {
  name: 'confirms what it is given while its connection is lost, and drops it',
  plant: () => (driver) =>
    override(driver, {
      publish: async (messages) =>
        driver.status === 'reconnecting' ? messages.map(() => undefined) : driver.publish(messages),
    }),
  caughtBy: ['H1', 'H2', 'H5', 'H6', 'Q2'],
};

export const losesAChannel: BrokenDriver = {
  name: 'opens no other channel when one was closed that a message was held of',
  plant: () => (driver) => {
    const held = new Set<Delivery>();
    let deaf = false;
    return override(driver, {
      consume: (options, deliver) =>
        driver.consume(options, (delivery) => {
          deaf ||= [...held].some(({ isOver }) => isOver === true);
          if (deaf) return;
          held.add(delivery);
          const settled = (settle: () => void): void => {
            if (delivery.isOver !== true) held.delete(delivery);
            settle();
          };
          deliver({
            ...passDelivery(delivery),
            ack: () => settled(() => delivery.ack()),
            retry: (delayMs) => settled(() => delivery.retry(delayMs)),
            release: () => settled(() => delivery.release()),
          });
        }),
    });
  },
  caughtBy: ['H1', 'H3', 'H4', 'H6'],
};

export const settlesByNumber: BrokenDriver = {
  name: 'takes a late settlement for one of what was handed over again',
  plant: () => (driver) =>
    override(driver, {
      consume(options, deliver) {
        const latest = new Map<string | undefined, Delivery>();
        return driver.consume(options, (delivery) => {
          const { id } = delivery.message;
          latest.set(id, delivery);
          deliver({ ...passDelivery(delivery), ack: () => latest.get(id)?.ack() });
        });
      },
    }),
  caughtBy: ['H6'],
};

export const leaksConsumers: BrokenDriver = {
  name: 'attaches its consumers once more after each reconnect, besides those that are there',
  plant: () => (driver) => {
    const consumers: { readonly options: ConsumeOptions; readonly deliver: (delivery: Delivery) => void }[] =
      [];
    let leaking = false;
    const lost = (): void => {
      if (leaking) return;
      leaking = true;
      const more = consumers.map(({ options, deliver }) => driver.consume(options, deliver));
      void Promise.allSettled(more).then(() => (leaking = false));
    };
    return override(driver, {
      ...whenLost(driver, lost),
      consume(options, deliver) {
        consumers.push({ options, deliver });
        return driver.consume(options, deliver);
      },
    });
  },
  caughtBy: ['H7'],
};

export const keepsWhatTheDeadHeld: BrokenDriver = {
  name: 'gives what a dead member held to another long after its lease',
  plant() {
    const handedBack = new Set<string | undefined>();
    return (driver, { leaseMs }) =>
      override(driver, {
        consume: (options, deliver) =>
          driver.consume(options, (delivery) => {
            const { id } = delivery.message;
            const noting = {
              ...passDelivery(delivery),
              retry: (delayMs: number) => {
                handedBack.add(id);
                delivery.retry(delayMs);
              },
              release: () => {
                handedBack.add(id);
                delivery.release();
              },
            };
            if (delivery.attempt === 1 || handedBack.has(id)) return deliver(noting);
            void delay(leaseMs + LATE_MS).then(() => deliver(noting));
          }),
      });
  },
  caughtBy: ['H8', 'I4'],
};

/** More than anybody takes for a busy machine. */
const LATE_MS = 4_000;
