import { setTimeout as delay } from 'node:timers/promises';
import { MessagingError } from '@waggle/kernel';
import type { BrokerDriver, DriverConsumer } from '@waggle/messaging';
import { override } from '../suite/pass-through.ts';
import type { BrokenDriver } from './broken-driver.ts';
import { PASSWORD } from './password.ts';

const isDenied = (error: unknown): boolean => error instanceof MessagingError && error.code === 'denied';
const nobody: DriverConsumer = {
  pause: () => undefined,
  resume: () => undefined,
  close: async () => undefined,
};

async function knock(another: () => BrokerDriver): Promise<void> {
  const driver = another();
  await driver.open().catch(() => undefined);
  await driver.close();
}

export const storms: BrokenDriver = {
  name: 'tries a refused password again and again',
  plant: () => (driver, _settings, another) => {
    const storm = async (): Promise<void> => {
      for (; driver.status !== 'closed'; await delay(20)) {
        if (driver.status === 'reconnecting') await knock(another);
      }
    };
    return override(driver, {
      async open(options) {
        await driver.open(options).catch(async (error: unknown) => {
          for (let times = 0; isDenied(error) && times < 5; times++) await knock(another);
          throw error;
        });
        void storm();
      },
    });
  },
  caughtBy: ['Q2', 'Q3'],
};

export const tellsThePassword: BrokenDriver = {
  name: 'says which password was refused',
  plant: () => (driver) =>
    override(driver, {
      open: (options) =>
        driver.open(options).catch((error: unknown) => {
          if (!isDenied(error)) throw error;
          throw new MessagingError('denied', `[memory] not with the password ${PASSWORD}`);
        }),
    }),
  caughtBy: ['C6', 'Q3'],
};

export const waitsInVain: BrokenDriver = {
  name: 'waits for a server that has refused it',
  plant: () => (driver) =>
    override(driver, {
      async open(options = {}) {
        const untilMs = Date.now() + (options.waitMs ?? 0);
        for (;;) {
          try {
            return await driver.open(options);
          } catch (error) {
            if (!isDenied(error) || Date.now() > untilMs || driver.status === 'closed') throw error;
            await delay(1_000, undefined, { ref: false });
          }
        }
      },
    }),
  caughtBy: ['Q3'],
};

export const givesUpWhenRefused: BrokenDriver = {
  name: 'never comes back once it was refused',
  plant: () => (driver) => {
    let wasOpen = false;
    const methods: Partial<BrokerDriver> = {
      async open(options) {
        await driver.open(options);
        wasOpen = true;
      },
      async publish(messages) {
        if (wasOpen && driver.status === 'reconnecting') await driver.close();
        return driver.publish(messages);
      },
    };
    return override(driver, methods);
  },
  caughtBy: ['H1', 'H2', 'H5', 'H6', 'H7', 'Q2'],
};

export const silentWhenDenied: BrokenDriver = {
  name: 'says nothing when it may not consume',
  plant: () => (driver) =>
    override(driver, {
      consume: (options, deliver) =>
        driver.consume(options, deliver).catch((error: unknown) => {
          if (isDenied(error)) return nobody;
          throw error;
        }),
    }),
  caughtBy: ['Q4'],
};

export const seemsAttached: BrokenDriver = {
  name: 'takes a consumer that gets nothing any more for attached',
  plant: () => (driver) =>
    override(driver, {
      async consume(options, deliver) {
        const consumer = await driver.consume(options, deliver);
        return {
          isAttached: true,
          pause: () => consumer.pause(),
          resume: () => consumer.resume(),
          close: () => consumer.close(),
        };
      },
    }),
  caughtBy: ['Q4'],
};

export const declaresWhereItBinds: BrokenDriver = {
  name: 'creates what it should only bind to',
  plant: () => (driver, settings, another) =>
    settings.topology === 'bind' ? another({ topology: 'declare' }) : driver,
  caughtBy: ['Q5'],
};
