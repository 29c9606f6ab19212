import type { AdapterTesting } from '../adapters/adapter-testing.ts';
import { fillBlock } from '../document.ts';
import { adaptersWith } from '../adapters/discover.ts';
import { obtainServer } from '../servers/servers.ts';
import { memoryStoreHarness } from './harness/memory-store.ts';
import { memoryHarness } from './harness/memory.ts';
import { failuresOf, MATRICES, matrixOf, type Column, type MatrixRows } from './matrix.ts';
import { runStoreCases, storeCases, type StoreHarness } from './stores/index.ts';
import { contractCases, runCases, type ContractHarness } from './suite/index.ts';

/**
 * `npm run test:contract:matrix`: runs the suites on every broker and on every store, and writes what they keep into the
 * documents. `-- matrix-stores` does so for one of the two.
 */
const PARALLEL = 8;
const log = (line: string): void => console.error(line);

const COLUMNS: Readonly<Record<keyof typeof MATRICES, () => Promise<readonly (() => Promise<Column>)[]>>> = {
  matrix: async () => [
    () => ofBroker(memoryHarness()),
    ...(await adaptersWith('broker')).map(
      ({ name, part, testing }) =>
        () =>
          onServer(name, testing, async (url) => ofBroker(await part.harness(url))),
    ),
  ],
  'matrix-stores': async () => [
    () => ofStore(memoryStoreHarness()),
    ...(await adaptersWith('store')).map(
      ({ name, part, testing }) =>
        () =>
          onServer(name, testing, async (url) => ofStore(await part.harness(url))),
    ),
  ],
};

const [only] = process.argv.slice(2);
for (const name of ['matrix', 'matrix-stores'] as const)
  if (only === undefined || only === name) await writeMatrix(name, MATRICES[name]);

async function writeMatrix(name: keyof typeof COLUMNS, rows: MatrixRows): Promise<void> {
  const columns: Column[] = [];
  for (const run of await COLUMNS[name]()) columns.push(await run());
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

async function onServer(
  kind: string,
  { server: product }: AdapterTesting,
  columnAt: (url: string) => Promise<Column>,
): Promise<Column> {
  if (product === undefined) return columnAt('');
  const server = await obtainServer(kind, { log });
  try {
    return await columnAt(server.url);
  } finally {
    await server.stop();
  }
}
