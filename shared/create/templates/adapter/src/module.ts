import { ContainerModule } from 'inversify';
import { brokerDriver, warningOf, type DriverSettings } from '@waggle/messaging';
import { createPaperPlaneDriver } from './paper-plane-driver.ts';
import type { PaperPlaneSettings } from './paper-plane-settings.ts';
import { checkPaperPlane, paperPlaneOptions, paperPlaneSettings, planOf } from './paper-plane-settings.ts';

/** `BROKER=paper-plane` */
export const broker = {
  settings: paperPlaneSettings,
  check: checkPaperPlane,
  module: (values: PaperPlaneSettings, driver: DriverSettings) =>
    new ContainerModule(({ bind }) => {
      bind(brokerDriver).toResolvedValue(() => {
        const warning = warningOf(planOf(values));
        if (warning !== undefined) driver.logger.warn(warning);
        return createPaperPlaneDriver(driver, paperPlaneOptions(values));
      });
    }),
};
