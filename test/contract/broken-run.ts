import { messageOf } from '@waggle/kernel';
import type { CaseResult } from './suite/index.ts';

/** What is broken is waited for in vain, so not for long; everything else may take a busy machine's time. */
const IN_VAIN_MS = 1_500;
export const DEADLINE_MS = 20_000;

/**
 * Each broken one meets the tests of its clauses and every twelfth of the others, and each test meets every twelfth of the broken ones.
 * `npm run test:contract:broken`: each meets all.
 */
const ONE_OF = process.env['WAGGLE_BROKEN'] === 'all' ? 1 : 12;

interface Named {
  readonly id: string;
  readonly name: string;
}

/** How a test runs some cases of its suite: against something new that is broken in the same way each time. */
export type RunBroken<Each> = (
  cases: readonly Each[],
  deadlineMs: number,
  parallel: number,
) => Promise<readonly CaseResult<Each>[]>;

/** `caughtBy` are the clauses that should fail; `turn` says which of the other cases are run. */
export async function runBroken<Each extends Named>(
  all: readonly Each[],
  { caughtBy, turn }: { readonly caughtBy: readonly string[]; readonly turn: number },
  run: RunBroken<Each>,
  parallel: number,
  inVainMs: number = IN_VAIN_MS,
): Promise<readonly CaseResult<Each>[]> {
  const isCaught = ({ id }: Each): boolean => caughtBy.includes(id);
  const cases = all.filter((each, index) => isCaught(each) || index % ONE_OF === turn % ONE_OF);
  const runAll = async (some: readonly Each[], sideBySide: number) => [
    ...(await run(some.filter(isCaught), inVainMs, sideBySide)),
    ...(await run(
      some.filter((each) => !isCaught(each)),
      DEADLINE_MS,
      sideBySide,
    )),
  ];
  const first = await runAll(cases, parallel);
  const failed = failedClauses(first);
  const isDoubtful = (each: Each): boolean => failed.includes(each.id) !== isCaught(each);
  // On a machine that is busy, what depends on time is asked again alone.
  const again = await runAll(cases.filter(isDoubtful), 1);
  return [...first.filter(({ case: each }) => !isDoubtful(each)), ...again];
}

export function failedClauses(results: readonly CaseResult<Named>[]): readonly string[] {
  const failed = results.flatMap(({ case: { id }, error }) => (error === undefined ? [] : [id]));
  return [...new Set(failed)].toSorted();
}

export function describeFailures(results: readonly CaseResult<Named>[]): readonly string[] {
  return results.flatMap(({ case: { name }, error }) =>
    error === undefined ? [] : [`${name}: ${messageOf(error).split('\n')[0]}`],
  );
}
