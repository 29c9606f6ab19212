import { runContractSuite } from '@waggle/test/contract/vitest';
import { paperPlaneHarness } from '../testing/harness.ts';

runContractSuite(await paperPlaneHarness());
