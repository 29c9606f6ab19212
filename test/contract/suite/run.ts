import { Bench } from './bench.ts';
import type { ContractCase } from './case.ts';
import { within } from './collector.ts';
import type { ContractHarness, Declaration } from './harness.ts';

/** A test waits for a few things, each within its deadline; one that hangs elsewhere ends all the same. */
const CASE_DEADLINES = 5;

/** Runs one case on a bench of its own and clears up after it. A failure of the case hides one of the clearing up. */
export async function runCase({ run }: ContractCase, harness: ContractHarness): Promise<void> {
  const bench = new Bench(harness);
  try {
    await within(run(bench), CASE_DEADLINES * bench.deadlineMs, () => 'the test to end');
  } catch (error) {
    await bench.clear().catch(() => undefined);
    throw error;
  }
  await bench.clear();
}

/** What became of a case that was run without a test runner. */
export interface CaseResult {
  readonly case: ContractCase;
  readonly error?: unknown;
  /** What the adapter declared that it cannot, where the case asked for it and asserted the alternative. */
  readonly declared: readonly Declaration[];
}

/** Runs cases side by side, without a test runner: to test the suite itself, and for the matrix. */
export async function runCases(
  cases: readonly ContractCase[],
  harness: ContractHarness,
  parallel: number,
): Promise<readonly CaseResult[]> {
  const waiting = [...cases];
  const results: CaseResult[] = [];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const current = next;
      const asked = new Set<Declaration>();
      const outcome = runCase(current, noting(harness, asked)).then(
        () => ({ case: current, declared: [...asked] }),
        (error: unknown) => ({ case: current, declared: [...asked], error }),
      );
      results.push(await outcome);
    }
  };
  await Promise.all(Array.from({ length: parallel }, work));
  return results;
}

/** The harness; what it declares and is asked for is noted. */
function noting(harness: ContractHarness, asked: Set<Declaration>): ContractHarness {
  const declares = new Proxy(harness.declares, {
    get(target, name: Declaration) {
      if (target[name] !== undefined) asked.add(name);
      return target[name];
    },
  });
  return { ...harness, declares };
}
