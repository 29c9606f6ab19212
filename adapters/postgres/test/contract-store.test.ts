import { runStoreSuite } from '@waggle/test/contract/vitest';
import { serverUrl } from '@waggle/test/server-url';
import { postgresStoreHarness } from '../testing/harness.ts';

runStoreSuite(await postgresStoreHarness(await serverUrl('postgres')));
