import { ContainerModule } from 'inversify';
import { url, type SettingValues } from '@waggle/kernel';
import { brokerDriver, type DriverSettings } from '@waggle/messaging';
import { createRabbitMqDriver } from './rabbitmq-driver.ts';

const settings = {
  RABBITMQ_URL: url(['amqp:', 'amqps:'], {
    description: 'a RabbitMQ node; user, password and virtual host stand in it',
    default: 'amqp://guest:guest@127.0.0.1:5672',
  }),
};

/** `BROKER=rabbitmq`: RabbitMQ, 3.10 or newer. */
export const broker = {
  settings,
  module: ({ RABBITMQ_URL }: SettingValues<typeof settings>, driver: DriverSettings) =>
    new ContainerModule(({ bind }) => {
      bind(brokerDriver).toResolvedValue(() =>
        createRabbitMqDriver(driver, { url: RABBITMQ_URL, name: driver.namespace }),
      );
    }),
};
