import type { TestRunner } from '../suite/index.ts';
import type { CaseResult } from '../suite/run.ts';
import { runCase, runSideBySide } from '../suite/run.ts';
import { appendingCases } from './appending.ts';
import { StoreBench } from './bench.ts';
import type { StoreCase } from './case.ts';
import { storeClauses } from './clauses.ts';
import { contentCases } from './content.ts';
import { deliveringCases } from './delivering.ts';
import type { StoreHarness } from './harness.ts';
import { readingCases } from './reading.ts';
import { schedulingCases } from './scheduling.ts';
import { sourcingCases } from './sourcing.ts';
import { workCases } from './work.ts';

export type { StoreCase } from './case.ts';
export type { StoreClauseId } from './clauses.ts';
export type * from './harness.ts';
export { storeClauses };

/** Everything that a store must keep. */
export const storeCases: readonly StoreCase[] = [
  ...appendingCases,
  ...contentCases,
  ...readingCases,
  ...workCases,
  ...sourcingCases,
  ...deliveringCases,
  ...schedulingCases,
];

/** Declares a test for each case, under the same name on every store. */
export function storeSuite({ describe, test }: TestRunner, harness: StoreHarness): void {
  describe(`contract: ${harness.name}`, () => {
    for (const each of storeCases) test(each.name, () => runCase(each, new StoreBench(harness)));
  });
}

/** The same without a test runner, with what became of each. */
export function runStoreCases(
  cases: readonly StoreCase[],
  harness: StoreHarness,
  parallel: number,
): Promise<readonly CaseResult<StoreCase>[]> {
  return runSideBySide(cases, harness, (noting) => new StoreBench(noting), parallel);
}
