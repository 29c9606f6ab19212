import { describe, expect, test, vi } from 'vitest';
import { DEADLINE_MS, describeFailures, failedClauses, runBroken, type RunBroken } from './broken-run.ts';
import { brokenStores, severalGoodWriters } from './broken-stores/index.ts';
import { memoryStoreHarness } from './harness/memory-store.ts';
import type { Planted } from './harness/memory-store.ts';
import { runStoreCases, storeCases, storeClauses } from './stores/index.ts';
import type { StoreCase } from './stores/index.ts';

vi.setConfig({ testTimeout: 120_000, maxConcurrency: 16 });

const PARALLEL = 20;
/** In memory everything comes at once, or never. */
const IN_VAIN_MS = 1_000;

describe('the suite, against stores that break a promise', () => {
  test.for([
    ['the store as it is', undefined],
    ['one that has several writers', severalGoodWriters],
  ] as const)('none of its tests fails with %s', async ([, plant]) => {
    expect(describeFailures(await against(plant)(storeCases, DEADLINE_MS, PARALLEL))).toEqual([]);
  });

  test('every clause is broken by at least one of them', () => {
    const caught = new Set<string>(brokenStores.flatMap(({ caughtBy }) => caughtBy));
    expect(Object.keys(storeClauses).filter((id) => !caught.has(id))).toEqual([]);
  });

  for (const [turn, { name, plant, caughtBy }] of brokenStores.entries()) {
    test.concurrent(`notices a store that ${name}`, async () => {
      const results = await runBroken(storeCases, { caughtBy, turn }, against(plant), PARALLEL, IN_VAIN_MS);
      expect(failedClauses(results), describeFailures(results).join('\n')).toEqual(caughtBy.toSorted());
    });
  }
});

function against(plant?: () => Planted): RunBroken<StoreCase> {
  return (cases, deadlineMs, parallel) => {
    const harness = memoryStoreHarness({ deadlineMs, ...(plant !== undefined && { plant }) });
    return runStoreCases(cases, harness, parallel);
  };
}
