import { runStoreSuite } from '@waggle/test/contract/vitest';
import { sqliteStoreHarness } from '../testing/harness.ts';

runStoreSuite(sqliteStoreHarness());
