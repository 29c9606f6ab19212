import { sqliteStoreHarness } from './harness/sqlite-store.ts';
import { runStoreSuite } from './harness/vitest-runner.ts';

runStoreSuite(sqliteStoreHarness());
