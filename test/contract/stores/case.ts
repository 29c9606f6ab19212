import type { Case } from '../suite/run.ts';
import type { StoreBench } from './bench.ts';
import type { StoreClauseId } from './clauses.ts';

export type StoreCase = Case<StoreClauseId, StoreBench>;

export function storeCase(
  id: StoreClauseId,
  sentence: string,
  run: (bench: StoreBench) => Promise<void>,
): StoreCase {
  return { id, name: `[${id}] ${sentence}`, run };
}
