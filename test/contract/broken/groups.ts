import type { BrokerDriver, ConsumeOptions, Delivery } from '@waggle/messaging';
import { override, overrideConsumer, passDelivery } from '../suite/pass-through.ts';
import type { BrokenDriver } from './broken-driver.ts';

type Deliver = (delivery: Delivery) => void;

const ignore = (): void => undefined;
const copyOf = (delivery: Delivery): Delivery => ({
  ...passDelivery(delivery),
  ack: ignore,
  retry: ignore,
  release: ignore,
});
const keyOf = ({ source }: ConsumeOptions): string => JSON.stringify(source);

export const forgetsAGroupsPlace: BrokenDriver = {
  name: 'lets a group that comes back begin at what is new',
  plant: () => (driver) => {
    const fromBeginning = new Set<string>();
    return override(driver, {
      declare(topology) {
        for (const { group, from } of topology.groups ?? [])
          if (from === 'beginning') fromBeginning.add(group);
        return driver.declare(topology);
      },
      async consume(options, deliver) {
        const { source } = options;
        let missed =
          source.kind === 'group' && !fromBeginning.has(source.group) ? await driver.lag(source) : 0;
        return driver.consume(options, (delivery) => (missed-- > 0 ? delivery.ack() : deliver(delivery)));
      },
    });
  },
  caughtBy: [
    'A8',
    'B10',
    'B6',
    'B8',
    'B9',
    'D6',
    'E1',
    'E4',
    'E6',
    'F1',
    'F12',
    'F14',
    'F15',
    'G3',
    'G4',
    'H6',
    'H8',
    'I1',
    'I2',
    'I4',
    'K1',
    'K3',
  ],
};

export const startsAtTheBeginning: BrokenDriver = {
  name: 'lets every new group begin at the beginning',
  plant: () => (driver) =>
    override(driver, {
      declare: ({ groups = [], ...rest }) =>
        driver.declare({ ...rest, groups: groups.map((group) => ({ ...group, from: 'beginning' })) }),
    }),
  caughtBy: ['B1', 'H4', 'K1', 'K4', 'K5', 'K8'],
};

export const broadcastsInAGroup: BrokenDriver = {
  name: 'gives each event to every member of a group',
  plant() {
    const members = new Map<string, Set<Deliver>>();
    return (driver, { namespace }) => {
      const own: (() => void)[] = [];
      return override(driver, {
        async consume(options, deliver) {
          const key = `${namespace} ${keyOf(options)}`;
          const all = members.get(key) ?? new Set();
          members.set(key, all.add(deliver));
          const leave = (): void => void all.delete(deliver);
          own.push(leave);
          const consumer = await driver.consume(options, (delivery) => {
            deliver(delivery);
            for (const other of all) if (other !== deliver) other(copyOf(delivery));
          });
          return overrideConsumer(consumer, { close: () => (leave(), consumer.close()) });
        },
        close() {
          for (const leave of own) leave();
          return driver.close();
        },
      });
    };
  },
  caughtBy: ['B5', 'D2', 'E2', 'E3', 'E4', 'E5', 'E6', 'F14', 'G4'],
};

export const oneGroupStarvesAnother: BrokenDriver = {
  name: 'delivers to one consumer only while no other is busy',
  plant: () => (driver) => {
    const waiting: { readonly key: string; readonly start: () => void }[] = [];
    const busy = new Map<string, number>();
    const isBusy = (key: string): boolean => [...busy].some(([other, count]) => other !== key && count > 0);
    const startWhatMay = (): void => {
      for (const item of waiting.splice(0)) {
        if (isBusy(item.key)) waiting.push(item);
        else item.start();
      }
    };
    return override(driver, {
      consume(options, deliver) {
        const key = keyOf(options);
        const change = (by: number): void => void busy.set(key, (busy.get(key) ?? 0) + by);
        return driver.consume(options, (delivery) => {
          const settled = (settle: () => void): void => {
            settle();
            change(-1);
            startWhatMay();
          };
          const start = (): void => {
            change(1);
            deliver({
              ...passDelivery(delivery),
              ack: () => settled(() => delivery.ack()),
              retry: (delayMs) => settled(() => delivery.retry(delayMs)),
              release: () => settled(() => delivery.release()),
            });
          };
          waiting.push({ key, start });
          startWhatMay();
        });
      },
    });
  },
  caughtBy: ['B11', 'G2'],
};

export const groupsCompete: BrokenDriver = {
  name: 'gives each event to one group alone',
  plant: () => (driver) => {
    const owner = new Map<string, string>();
    return override(driver, {
      consume: (options, deliver) =>
        driver.consume(options, (delivery) => {
          const id = delivery.message.id ?? 'none';
          if (!owner.has(id)) owner.set(id, keyOf(options));
          if (owner.get(id) === keyOf(options)) deliver(delivery);
          else delivery.ack();
        }),
    });
  },
  caughtBy: ['B11', 'B2', 'D1', 'D4', 'D5', 'F1', 'F14', 'F16', 'F9', 'G1', 'G2', 'G3', 'H2', 'K1'],
};

export const retriesEverywhere: BrokenDriver = {
  name: 'delivers again to every group what failed in one',
  plant: () => (driver) => {
    const consumers = new Map<string, Deliver>();
    return override(driver, {
      consume(options, deliver) {
        const key = keyOf(options);
        consumers.set(key, deliver);
        return driver.consume(options, (delivery) => {
          const retry = (delayMs: number): void => {
            delivery.retry(delayMs);
            for (const [other, again] of consumers) if (other !== key) again(copyOf(delivery));
          };
          deliver({ ...passDelivery(delivery), retry });
        });
      },
    });
  },
  caughtBy: ['B11', 'D5', 'F1', 'F14'],
};

export const redrivesToEverybody: BrokenDriver = {
  name: 'gives what is for one group to all of them',
  plant: () => (driver) =>
    override(driver, {
      publish: (messages) =>
        driver.publish(
          messages.map((message) =>
            message.to.kind === 'group' ? { ...message, to: { kind: 'stream' } } : message,
          ),
        ),
    }),
  caughtBy: ['F16', 'J2', 'K4'],
};

export const knowsNoWildcards: BrokenDriver = {
  name: 'takes wildcards for names',
  plant: () => (driver) =>
    override(
      driver,
      declaringTypes(driver, (types) => types.filter((type) => !type.includes('*'))),
    ),
  caughtBy: ['D4', 'K8'],
};

function declaringTypes(
  driver: BrokerDriver,
  change: (types: readonly string[]) => readonly string[],
): Pick<BrokerDriver, 'declare'> {
  return {
    declare: ({ groups = [], ...rest }) =>
      driver.declare({ ...rest, groups: groups.map((group) => ({ ...group, types: change(group.types) })) }),
  };
}
