import { runContractSuite } from '@waggle/test/contract/vitest';
import { serverUrl } from '@waggle/test/server-url';
import { rabbitmqHarness } from '../testing/harness.ts';

runContractSuite(await rabbitmqHarness(await serverUrl('rabbitmq')));
