/**
 * A place inside of a commit: before it writes to the `outbox`, what it appends being written; before it writes to the `inbox`; at
 * its `end`, when all is written and nothing committed; or when all was `sent` to a server that has not answered.
 */
export type CommitStep = 'outbox' | 'inbox' | 'end' | 'sent';

/** The steps of one store, which no port shows. */
export interface CommitSteps {
  readonly steps: readonly CommitStep[];
  /** From now on `reach` hears of each step, called inside of the commit that comes to it. Once a process, and for good. */
  watch(reach: (step: CommitStep) => void): Promise<void>;
}
