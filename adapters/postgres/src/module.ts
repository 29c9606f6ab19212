import { ContainerModule } from 'inversify';
import { store as storeId, type StoreSettings } from '@waggle/messaging';
import {
  checkPostgres,
  postgresOptions,
  postgresSettings,
  postgresWarning,
  type PostgresSettings,
} from './postgres-settings.ts';
import { createPostgresStore } from './postgres-store.ts';

/** `STORE=postgres`: PostgreSQL, 13 or newer. */
export const store = {
  settings: postgresSettings,
  check: checkPostgres,
  module: (values: PostgresSettings, settings: StoreSettings) =>
    new ContainerModule(({ bind }) => {
      bind(storeId).toResolvedValue(() => {
        const warning = postgresWarning(values);
        if (warning !== undefined) settings.logger.warn(warning);
        return createPostgresStore(postgresOptions(values), settings);
      });
    }),
};
