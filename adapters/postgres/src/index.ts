export type { PostgresOptions, PostgresTls } from './postgres-database.ts';
export { createPostgresStore } from './postgres-store.ts';
export { createPostgresWriter } from './postgres-writer.ts';
