import { runContractSuite } from '@waggle/test/contract/vitest';
import { serverUrl } from '@waggle/test/server-url';
import { natsHarness } from '../testing/harness.ts';

runContractSuite(await natsHarness(await serverUrl('nats')));
