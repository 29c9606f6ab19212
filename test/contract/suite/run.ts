import { within } from './collector.ts';

/** A test waits for a few things, each within its deadline; one that hangs elsewhere ends all the same. */
const CASE_DEADLINES = 5;

/** What a test works on, of its own. */
interface TestBench {
  readonly deadlineMs: number;
  clear(): Promise<void>;
}

/** One test: which clause it proves, what happens in a full sentence, and how that is seen. */
export interface Case<Id extends string, On> {
  readonly id: Id;
  /** `[B1] events published before ...` */
  readonly name: string;
  /** Rejects if the promise is broken. */
  run(bench: On): Promise<void>;
}

/** Runs one case on a bench of its own and clears up after it. A failure of the case hides one of the clearing up. */
export async function runCase<On extends TestBench>(
  { run }: Pick<Case<string, On>, 'run'>,
  bench: On,
): Promise<void> {
  const mostMs = CASE_DEADLINES * bench.deadlineMs;
  const clear = (): Promise<void> => within(bench.clear(), mostMs, () => 'the clearing up to end');
  try {
    await within(run(bench), mostMs, () => 'the test to end');
  } catch (error) {
    await clear().catch(() => undefined);
    throw error;
  }
  await clear();
}

/** What became of a case that was run without a test runner. */
export interface CaseResult<Each = Case<string, never>> {
  readonly case: Each;
  readonly error?: unknown;
  /** What the harness declared that it cannot, where the case asked for it and asserted the alternative. */
  readonly declared: readonly string[];
}

interface Declaring {
  readonly declares: Readonly<Partial<Record<string, string>>>;
}

/** Runs cases side by side, without a test runner: to test a suite itself, and for the matrix. */
export async function runSideBySide<
  On extends TestBench,
  Harness extends Declaring,
  Each extends Case<string, On>,
>(
  cases: readonly Each[],
  harness: Harness,
  benchOf: (harness: Harness) => On,
  parallel: number,
): Promise<readonly CaseResult<Each>[]> {
  const waiting = [...cases];
  const results: CaseResult<Each>[] = [];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const current = next;
      const asked = new Set<string>();
      const outcome = runCase(current, benchOf(noting(harness, asked))).then(
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
function noting<Harness extends Declaring>(harness: Harness, asked: Set<string>): Harness {
  const declares = new Proxy(harness.declares, {
    get(target, name: string) {
      if (target[name] !== undefined) asked.add(name);
      return target[name];
    },
  });
  return { ...harness, declares };
}
