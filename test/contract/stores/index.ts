import type { TestRunner } from '../suite/index.ts';
import { appendingCases } from './appending.ts';
import type { StoreCase, StoreCaseResult } from './case.ts';
import { runStoreCase } from './case.ts';
import { storeClauses } from './clauses.ts';
import { contentCases } from './content.ts';
import { deliveringCases } from './delivering.ts';
import type { StoreHarness } from './harness.ts';
import { readingCases } from './reading.ts';
import { schedulingCases } from './scheduling.ts';
import { workCases } from './work.ts';

export type { StoreCase, StoreCaseResult } from './case.ts';
export type { StoreClauseId } from './clauses.ts';
export type * from './harness.ts';
export { storeClauses };

/** Everything that a store must keep. */
export const storeCases: readonly StoreCase[] = [
  ...appendingCases,
  ...contentCases,
  ...readingCases,
  ...workCases,
  ...deliveringCases,
  ...schedulingCases,
];

/** Declares a test for each case, under the same name on every store. */
export function storeSuite({ describe, test }: TestRunner, harness: StoreHarness): void {
  describe(`contract: ${harness.name}`, () => {
    for (const each of storeCases) test(each.name, () => runStoreCase(each, harness));
  });
}

/** Runs cases side by side, without a test runner: to test the suite itself, and for the matrix. */
export async function runStoreCases(
  cases: readonly StoreCase[],
  harness: StoreHarness,
  parallel: number,
): Promise<readonly StoreCaseResult[]> {
  const waiting = [...cases];
  const results: StoreCaseResult[] = [];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const current = next;
      const outcome = runStoreCase(current, harness).then(
        () => ({ case: current, declared: [] }),
        (error: unknown) => ({ case: current, declared: [], error }),
      );
      results.push(await outcome);
    }
  };
  await Promise.all(Array.from({ length: parallel }, work));
  return results;
}
