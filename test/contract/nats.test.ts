import { serverUrl } from '../setup/server-url.ts';
import { natsHarness } from './harness/nats.ts';
import { runContractSuite } from './harness/vitest-runner.ts';

runContractSuite(await natsHarness(await serverUrl('nats')));
