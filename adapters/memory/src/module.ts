import { ContainerModule } from 'inversify';
import type { DriverSettings } from '@waggle/messaging';
import { brokerDriver, store as storeId } from '@waggle/messaging';
import { createMemoryDriver } from './memory-driver.ts';
import { createMemoryStore } from './store/memory-store.ts';

/** `BROKER=memory`: ends with the process, needs nothing. */
export const broker = {
  settings: {},
  module: (_: object, driver: DriverSettings) =>
    new ContainerModule(({ bind }) => {
      bind(brokerDriver).toResolvedValue(() => createMemoryDriver(driver));
    }),
};

/** `STORE=memory`: ends with the process, needs nothing. */
export const store = {
  settings: {},
  module: () =>
    new ContainerModule(({ bind }) => {
      bind(storeId).toResolvedValue(() => createMemoryStore());
    }),
};
