import { ContainerModule } from 'inversify';
import { brokerDriver, warningOf, type DriverSettings } from '@waggle/messaging';
import { createRabbitMqDriver } from './rabbitmq-driver.ts';
import type { RabbitMqSettings } from './rabbitmq-settings.ts';
import { checkRabbitMq, planOf, rabbitMqOptions, rabbitMqSettings } from './rabbitmq-settings.ts';

/** `BROKER=rabbitmq`: RabbitMQ, 3.10 or newer. */
export const broker = {
  settings: rabbitMqSettings,
  check: checkRabbitMq,
  module: (values: RabbitMqSettings, driver: DriverSettings) =>
    new ContainerModule(({ bind }) => {
      bind(brokerDriver).toResolvedValue(() => {
        const warning = warningOf(planOf(values));
        if (warning !== undefined) driver.logger.warn(warning);
        const options = { ...rabbitMqOptions(values), name: driver.namespace, delaysAhead: true };
        return createRabbitMqDriver(driver, options);
      });
    }),
};
