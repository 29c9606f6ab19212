import type { ClauseId } from '../suite/index.ts';
import type { Wrap } from '../harness/memory.ts';

/** A driver that breaks one promise, around the one in memory, and what must notice. */
export interface BrokenDriver {
  /** What it does wrong, as a sentence goes on: "a driver that ...". */
  readonly name: string;
  /** Makes what breaks each driver of one server; what its drivers share lives here. */
  plant(): Wrap;
  /** The clauses with a test that fails; all others hold. */
  readonly caughtBy: readonly ClauseId[];
}
