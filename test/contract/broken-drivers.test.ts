import { describe, expect, test, vi } from 'vitest';
import { DEADLINE_MS, describeFailures, failedClauses, runBroken, type RunBroken } from './broken-run.ts';
import { brokenDrivers, PASSWORD } from './broken/index.ts';
import { memoryHarness } from './harness/memory.ts';
import type { Wrap } from './harness/memory.ts';
import { clauses, contractCases, runCases } from './suite/index.ts';
import type { ContractCase } from './suite/index.ts';

vi.setConfig({ testTimeout: 120_000, maxConcurrency: 9 });

/** So few that no turn of the event loop takes as long as a lease. */
const PARALLEL = 20;

describe('the suite, against drivers that break a promise', () => {
  test('none of its tests fails with the driver as it is', async () => {
    expect(describeFailures(await against()(contractCases, DEADLINE_MS, PARALLEL))).toEqual([]);
  });

  test('every clause is broken by at least one of them', () => {
    const caught = new Set<string>(brokenDrivers.flatMap(({ caughtBy }) => caughtBy));
    expect(Object.keys(clauses).filter((id) => !caught.has(id))).toEqual([]);
  });

  for (const [turn, { name, plant, caughtBy }] of brokenDrivers.entries()) {
    test.concurrent(`notices a driver that ${name}`, async () => {
      const results = await runBroken(contractCases, { caughtBy, turn }, against(plant), PARALLEL);
      expect(failedClauses(results), describeFailures(results).join('\n')).toEqual(caughtBy.toSorted());
    });
  }
});

function against(plant?: () => Wrap): RunBroken<ContractCase> {
  return (cases, deadlineMs, parallel) => {
    const harness = memoryHarness({
      limits: { deadlineMs, leaseMs: 300 },
      secrets: [PASSWORD],
      ...(plant === undefined ? {} : { wrap: plant() }),
    });
    return runCases(cases, harness, parallel);
  };
}
