import type { ConsumeOptions, Delivery } from '@waggle/messaging';
import { override, passDelivery } from '../suite/pass-through.ts';
import type { BrokenDriver } from './broken-driver.ts';

const laneOf = ({ source }: ConsumeOptions, { lane }: Delivery): string =>
  `${JSON.stringify(source)} ${lane}`;

export const servesLanesToAll: BrokenDriver = {
  name: 'hands over the next of a lane while another member has one of it',
  plant: () => (driver) =>
    override(driver, {
      declare: ({ groups = [], ...rest }) =>
        driver.declare({ ...rest, groups: groups.map((group) => ({ ...group, ordering: 'none' })) }),
      consume: (options, deliver) =>
        driver.consume(options.source.kind === 'group' ? { ...options, ordering: 'none' } : options, deliver),
    }),
  caughtBy: ['E2', 'E3', 'E4', 'E5', 'E6', 'K8', 'Q5'],
};

export const overtakesARetry: BrokenDriver = {
  name: 'hands over the next of a lane while a retry waits',
  plant: () => (driver) => {
    /** Of each source: what waits, or is handled again, and was acknowledged. */
    const open = new Map<string, number>();
    const count = (source: string, more: number): void =>
      void open.set(source, (open.get(source) ?? 0) + more);
    return override(driver, {
      consume: (options, deliver) => {
        const source = JSON.stringify(options.source);
        const hand = (delivery: Delivery): void => {
          const isOrdered = delivery.lane !== 'unordered' && options.ordering === 'by-key';
          if (!isOrdered) return deliver(delivery);
          const again = (attempt: number, delayMs: number): void =>
            void setTimeout(() => deliver(copyOf(attempt)), delayMs).unref();
          const copyOf = (attempt: number): Delivery => ({
            ...passDelivery(delivery),
            attempt,
            ack: () => count(source, -1),
            retry: (delayMs) => again(attempt + 1, delayMs),
            release: () => again(attempt, 0),
          });
          const retry = (delayMs: number): void => {
            count(source, 1);
            delivery.ack();
            again(delivery.attempt + 1, delayMs);
          };
          deliver({ ...passDelivery(delivery), retry });
        };
        return driver.consume(options, hand);
      },
      lag: async (source) => (await driver.lag(source)) + (open.get(JSON.stringify(source)) ?? 0),
    });
  },
  caughtBy: ['E2', 'E5', 'E6', 'F1', 'G1'],
};

export const waitsWithEverything: BrokenDriver = {
  name: 'hands over nothing of other lanes while a retry waits',
  plant: () => (driver) =>
    override(driver, {
      consume(options, deliver) {
        let waitsFor: string | undefined;
        const held: Delivery[] = [];
        const hand = (delivery: Delivery): void => {
          const lane = laneOf(options, delivery);
          if (waitsFor !== undefined && waitsFor !== lane) return void held.push(delivery);
          waitsFor = undefined;
          const retry = (delayMs: number): void => {
            if (options.ordering === 'by-key' && delayMs > 0) waitsFor = lane;
            delivery.retry(delayMs);
          };
          deliver({ ...passDelivery(delivery), retry });
          for (const next of held.splice(0)) hand(next);
        };
        return driver.consume(options, hand);
      },
    }),
  caughtBy: ['E2', 'E5', 'E6'],
};

export const leavesLanesWithTheDead: BrokenDriver = {
  name: 'leaves a lane with a member that is gone without a goodbye',
  plant() {
    const last = new Map<string, () => boolean>();
    return (driver, { namespace }) => {
      const isGone = (): boolean => driver.status === 'reconnecting';
      return override(driver, {
        consume: (options, deliver) =>
          driver.consume(options, (delivery) => {
            if (options.ordering === 'none') return deliver(delivery);
            const lane = `${namespace} ${laneOf(options, delivery)}`;
            if (last.get(lane)?.() === true) return; // it is not for anybody else
            last.set(lane, isGone);
            deliver(delivery);
          }),
      });
    };
  },
  caughtBy: ['E4', 'H8'],
};

export const givesUpByItself: BrokenDriver = {
  name: 'drops what has come twenty times',
  plant: () => (driver) =>
    override(driver, {
      consume: (options, deliver) =>
        driver.consume(options, (delivery) => (delivery.attempt > 20 ? delivery.ack() : deliver(delivery))),
    }),
  caughtBy: ['E6'],
};
