import { ContainerModule } from 'inversify';
import { brokerDriver, warningOf, type DriverSettings } from '@waggle/messaging';
import { createNatsDriver } from './nats-driver.ts';
import { checkNats, natsOptions, natsSettings, planOf, type NatsSettings } from './nats-settings.ts';

/** `BROKER=nats`: NATS JetStream, 2.9 or newer. */
export const broker = {
  settings: natsSettings,
  check: checkNats,
  module: (values: NatsSettings, driver: DriverSettings) =>
    new ContainerModule(({ bind }) => {
      bind(brokerDriver).toResolvedValue(() => {
        const warning = warningOf(planOf(values));
        if (warning !== undefined) driver.logger.warn(warning);
        return createNatsDriver(driver, natsOptions(values));
      });
    }),
};
