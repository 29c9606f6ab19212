import { serverUrl } from '../setup/server-url.ts';
import { postgresStoreHarness } from './harness/postgres-store.ts';
import { runStoreSuite } from './harness/vitest-runner.ts';

runStoreSuite(await postgresStoreHarness(await serverUrl('postgres')));
