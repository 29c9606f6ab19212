import { memoryHarness } from './harness/memory.ts';
import { runContractSuite } from './harness/vitest-runner.ts';

runContractSuite(memoryHarness());
