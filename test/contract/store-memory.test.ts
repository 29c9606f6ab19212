import { memoryStoreHarness } from './harness/memory-store.ts';
import { runStoreSuite } from './harness/vitest-runner.ts';

runStoreSuite(memoryStoreHarness());
