import { ContainerModule } from 'inversify';
import { store as storeId, type StoreSettings } from '@waggle/messaging';
import { checkSqlite, sqliteSettings, type SqliteSettings } from './sqlite-settings.ts';
import { createSqliteStore } from './sqlite-store.ts';

/** `STORE=sqlite`: one file, with what Node brings. Opening it with `TOPOLOGY=declare` also migrates it. */
export const store = {
  settings: sqliteSettings,
  check: checkSqlite,
  module: ({ SQLITE_FILE, SQLITE_SYNCHRONOUS }: SqliteSettings, settings: StoreSettings) =>
    new ContainerModule(({ bind }) => {
      bind(storeId).toResolvedValue(() =>
        createSqliteStore({ file: SQLITE_FILE, synchronous: SQLITE_SYNCHRONOUS, settings }),
      );
    }),
};
