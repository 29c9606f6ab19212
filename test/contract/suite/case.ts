import type { Bench } from './bench.ts';
import type { ClauseId } from './clauses.ts';
import type { Case } from './run.ts';

export type ContractCase = Case<ClauseId, Bench>;

export function contractCase(
  id: ClauseId,
  sentence: string,
  run: (bench: Bench) => Promise<void>,
): ContractCase {
  return { id, name: `[${id}] ${sentence}`, run };
}

export type Ordering = 'by-key' | 'none';

/** The same case for a group with order and for one without. */
export function bothOrderings(
  id: ClauseId,
  sentence: string,
  run: (bench: Bench, ordering: Ordering) => Promise<void>,
): readonly ContractCase[] {
  return [
    contractCase(id, `${sentence}, by key`, (bench) => run(bench, 'by-key')),
    contractCase(id, `${sentence}, without order`, (bench) => run(bench, 'none')),
  ];
}
