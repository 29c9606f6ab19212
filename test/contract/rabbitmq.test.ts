import { serverUrl } from '../setup/server-url.ts';
import { rabbitmqHarness } from './harness/rabbitmq.ts';
import { runContractSuite } from './harness/vitest-runner.ts';

runContractSuite(await rabbitmqHarness(await serverUrl('rabbitmq')));
