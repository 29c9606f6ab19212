import { fillBlock } from '../document.ts';
import { obtainServer } from '../servers/servers.ts';
import { memoryHarness } from './harness/memory.ts';
import { natsHarness } from './harness/nats.ts';
import { rabbitmqHarness } from './harness/rabbitmq.ts';
import { failuresOf, matrixOf, type Column } from './matrix.ts';
import { contractCases, runCases, type ContractHarness } from './suite/index.ts';

/** `npm run test:contract:matrix`: runs the suite on the three brokers and writes what they keep into the documents. */
const PARALLEL = 8;
const log = (line: string): void => console.error(line);

const columns: Column[] = [await columnOf(memoryHarness())];
for (const kind of ['nats', 'rabbitmq'] as const) {
  const server = await obtainServer(kind, { log });
  try {
    columns.push(await columnOf(await (kind === 'nats' ? natsHarness : rabbitmqHarness)(server.url)));
  } finally {
    await server.stop();
  }
}
const failures = columns.flatMap(failuresOf);
const { byGroup, byClause } = matrixOf(columns);
await fillBlock('README.md', 'matrix', byGroup);
await fillBlock('docs/promises.md', 'matrix', byClause);
console.log(byGroup);
for (const failure of failures) log(`[waggle] ${failure}`);
process.exitCode = failures.length === 0 ? 0 : 1;

async function columnOf(harness: ContractHarness): Promise<Column> {
  log(`[waggle] ${harness.name}: ${contractCases.length} tests`);
  try {
    return { harness, results: await runCases(contractCases, harness, PARALLEL) };
  } finally {
    await harness.close();
  }
}
