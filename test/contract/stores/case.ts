import { within } from '../suite/collector.ts';
import { StoreBench } from './bench.ts';
import type { StoreClauseId } from './clauses.ts';
import type { StoreDeclaration, StoreHarness } from './harness.ts';

/** One test: which clause it proves, what happens in a full sentence, and how that is seen. */
export interface StoreCase {
  readonly id: StoreClauseId;
  /** `[M1] an append ...` */
  readonly name: string;
  /** Rejects if the promise is broken. */
  run(bench: StoreBench): Promise<void>;
}

export function storeCase(
  id: StoreClauseId,
  sentence: string,
  run: (bench: StoreBench) => Promise<void>,
): StoreCase {
  return { id, name: `[${id}] ${sentence}`, run };
}

/** A test waits for a few things, each within its deadline; one that hangs elsewhere ends all the same. */
const CASE_DEADLINES = 5;

/** Runs one case on a bench of its own and clears up after it. A failure of the case hides one of the clearing up. */
export async function runStoreCase({ run }: StoreCase, harness: StoreHarness): Promise<void> {
  const bench = new StoreBench(harness);
  try {
    await within(run(bench), CASE_DEADLINES * bench.deadlineMs, () => 'the test to end');
  } catch (error) {
    await bench.clear().catch(() => undefined);
    throw error;
  }
  await bench.clear();
}

/** What became of a case that was run without a test runner. */
export interface StoreCaseResult {
  readonly case: StoreCase;
  readonly error?: unknown;
  readonly declared: readonly StoreDeclaration[];
}
