export type { SqliteStoreOptions } from './sqlite-store.ts';
export { createSqliteStore } from './sqlite-store.ts';
