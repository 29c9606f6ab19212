import { messageOf } from '@waggle/kernel';
import { describe, expect, test, vi } from 'vitest';
import { brokenDrivers, PASSWORD } from './broken/index.ts';
import { memoryHarness } from './harness/memory.ts';
import type { Wrap } from './harness/memory.ts';
import { clauses, contractCases, runCases } from './suite/index.ts';
import type { CaseResult, ClauseId, ContractCase } from './suite/index.ts';

vi.setConfig({ testTimeout: 120_000, maxConcurrency: 6 });

/** What a broken driver never does is waited for in vain, so not for long; everything else may take a busy machine's time. */
const IN_VAIN_MS = 3_000;
const DEADLINE_MS = 20_000;
/** So few that no turn of the event loop takes as long as a lease. */
const PARALLEL = 20;

describe('the suite, against drivers that break a promise', () => {
  test('none of its tests fails with the driver as it is', async () => {
    expect(describeFailures(await run(contractCases, DEADLINE_MS, PARALLEL))).toEqual([]);
  });

  test('every clause is broken by at least one of them', () => {
    const caught = new Set<string>(brokenDrivers.flatMap(({ caughtBy }) => caughtBy));
    expect(Object.keys(clauses).filter((id) => !caught.has(id))).toEqual([]);
  });

  for (const { name, plant, caughtBy } of brokenDrivers) {
    test.concurrent(`notices a driver that ${name}`, async () => {
      const isCaught = ({ id }: ContractCase): boolean => caughtBy.includes(id);
      const runAll = async (cases: readonly ContractCase[], parallel: number) => [
        ...(await run(cases.filter(isCaught), IN_VAIN_MS, parallel, plant())),
        ...(await run(
          cases.filter((each) => !isCaught(each)),
          DEADLINE_MS,
          parallel,
          plant(),
        )),
      ];
      const first = await runAll(contractCases, PARALLEL);
      const failed = failedClauses(first);
      const isDoubtful = (each: ContractCase): boolean => failed.includes(each.id) !== isCaught(each);
      // On a machine that is busy, what depends on time is asked again alone.
      const again = await runAll(contractCases.filter(isDoubtful), 1);
      const results = [...first.filter(({ case: each }) => !isDoubtful(each)), ...again];
      expect(failedClauses(results), describeFailures(results).join('\n')).toEqual(caughtBy.toSorted());
    });
  }
});

function run(
  cases: readonly ContractCase[],
  deadlineMs: number,
  parallel: number,
  wrap?: Wrap,
): Promise<readonly CaseResult[]> {
  const harness = memoryHarness({
    limits: { deadlineMs, leaseMs: 300 },
    secrets: [PASSWORD],
    ...(wrap === undefined ? {} : { wrap }),
  });
  return runCases(cases, harness, parallel);
}

function failedClauses(results: readonly CaseResult[]): readonly ClauseId[] {
  const failed = results.flatMap(({ case: { id }, error }) => (error === undefined ? [] : [id]));
  return [...new Set(failed)].toSorted();
}

function describeFailures(results: readonly CaseResult[]): readonly string[] {
  return results.flatMap(({ case: { name }, error }) =>
    error === undefined ? [] : [`${name}: ${messageOf(error).split('\n')[0]}`],
  );
}
