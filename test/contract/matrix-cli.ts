import { fillBlock } from '../document.ts';
import { obtainServer, type ServerKind } from '../servers/servers.ts';
import { memoryStoreHarness } from './harness/memory-store.ts';
import { memoryHarness } from './harness/memory.ts';
import { natsHarness } from './harness/nats.ts';
import { postgresStoreHarness } from './harness/postgres-store.ts';
import { rabbitmqHarness } from './harness/rabbitmq.ts';
import { sqliteStoreHarness } from './harness/sqlite-store.ts';
import { failuresOf, MATRICES, matrixOf, type Column, type MatrixRows } from './matrix.ts';
import { runStoreCases, storeCases, type StoreHarness } from './stores/index.ts';
import { contractCases, runCases, type ContractHarness } from './suite/index.ts';

/**
 * `npm run test:contract:matrix`: runs the suites on every broker and on every store, and writes what they keep into the
 * documents. `-- matrix-stores` does so for one of the two.
 */
const PARALLEL = 8;
const log = (line: string): void => console.error(line);

const COLUMNS: Readonly<Record<keyof typeof MATRICES, readonly (() => Promise<Column>)[]>> = {
  matrix: [
    () => ofBroker(memoryHarness()),
    () => onServer('nats', async (url) => ofBroker(await natsHarness(url))),
    () => onServer('rabbitmq', async (url) => ofBroker(await rabbitmqHarness(url))),
  ],
  'matrix-stores': [
    () => ofStore(memoryStoreHarness()),
    () => ofStore(sqliteStoreHarness()),
    () => onServer('postgres', async (url) => ofStore(await postgresStoreHarness(url))),
  ],
};

const [only] = process.argv.slice(2);
for (const name of ['matrix', 'matrix-stores'] as const)
  if (only === undefined || only === name) await writeMatrix(name, MATRICES[name]);

async function writeMatrix(name: keyof typeof COLUMNS, rows: MatrixRows): Promise<void> {
  const columns: Column[] = [];
  for (const run of COLUMNS[name]) columns.push(await run());
  const { byGroup, byClause } = matrixOf(columns, rows);
  await fillBlock('README.md', name, byGroup);
  await fillBlock('docs/promises.md', name, byClause);
  console.log(byGroup);
  const failures = columns.flatMap(failuresOf);
  for (const failure of failures) log(`[waggle] ${failure}`);
  if (failures.length > 0) process.exitCode = 1;
}

function ofBroker(harness: ContractHarness): Promise<Column> {
  return columnOf(harness, contractCases.length, () => runCases(contractCases, harness, PARALLEL));
}

function ofStore(harness: StoreHarness): Promise<Column> {
  return columnOf(harness, storeCases.length, () => runStoreCases(storeCases, harness, PARALLEL));
}

async function columnOf(
  harness: Column['harness'] & { close(): Promise<void> },
  tests: number,
  run: () => Promise<Column['results']>,
): Promise<Column> {
  log(`[waggle] ${harness.name}: ${tests} tests`);
  try {
    return { harness, results: await run() };
  } finally {
    await harness.close();
  }
}

async function onServer(kind: ServerKind, columnAt: (url: string) => Promise<Column>): Promise<Column> {
  const server = await obtainServer(kind, { log });
  try {
    return await columnAt(server.url);
  } finally {
    await server.stop();
  }
}
