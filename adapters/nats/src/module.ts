import { ContainerModule } from 'inversify';
import type { SettingValues } from '@waggle/kernel';
import { url } from '@waggle/kernel';
import type { DriverSettings } from '@waggle/messaging';
import { brokerDriver } from '@waggle/messaging';
import { createNatsDriver } from './nats-driver.ts';

const settings = {
  NATS_URL: url(['nats:', 'tls:'], {
    description: 'servers of one NATS cluster, separated by commas; user and password may stand in it',
    default: 'nats://127.0.0.1:4222',
  }),
};

/** `BROKER=nats`: NATS JetStream, 2.9 or newer. */
export const broker = {
  settings,
  module: ({ NATS_URL }: SettingValues<typeof settings>, driver: DriverSettings) =>
    new ContainerModule(({ bind }) => {
      bind(brokerDriver).toResolvedValue(() => createNatsDriver(driver, { url: NATS_URL }));
    }),
};
