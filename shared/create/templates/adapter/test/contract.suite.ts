import { runContractSuite } from '@waggle/test/contract/vitest';
import { paperPlaneHarness } from '../testing/index.ts';

runContractSuite(await paperPlaneHarness());
