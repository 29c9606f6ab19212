import { backpressureCases } from './backpressure.ts';
import { Bench } from './bench.ts';
import { bindingCases } from './binding.ts';
import type { ContractCase } from './case.ts';
import { clauses } from './clauses.ts';
import type { ClauseId } from './clauses.ts';
import { deadLetterCases } from './dead-letters.ts';
import { deliveryCases } from './delivery.ts';
import { drainCases } from './drain.ts';
import { faultCases } from './faults.ts';
import { foreignCases } from './foreign.ts';
import { groupCases } from './groups.ts';
import { handlingCases } from './handling.ts';
import type { ContractHarness } from './harness.ts';
import { lifecycleCases } from './lifecycle.ts';
import { listingCases } from './listing.ts';
import { loadCases } from './load.ts';
import { orderCases } from './order.ts';
import { orderAfterFailureCases } from './order-after-failure.ts';
import { orderMemberCases } from './order-members.ts';
import { positionCases } from './positions.ts';
import { publishCases } from './publish.ts';
import { reconnectCases } from './reconnect.ts';
import { redriveCases } from './redrive.ts';
import { redeliveryCases } from './redelivery.ts';
import { retentionCases } from './retention.ts';
import { retryCases } from './retries.ts';
import { rewindCases } from './rewind.ts';
import { runCase, runSideBySide } from './run.ts';
import type { CaseResult } from './run.ts';
import { securityCases } from './security.ts';
import { shapeCases } from './shape.ts';
import { startCases } from './start.ts';
import { timeToLiveCases } from './time-to-live.ts';
import { unreadableCases } from './unreadable.ts';

export type { ContractCase } from './case.ts';
export type { ClauseId } from './clauses.ts';
export type * from './harness.ts';
export { clauses };
export type { Case, CaseResult } from './run.ts';
export { stillToDo } from './still-to-do.ts';

const byClause: readonly ContractCase[] = [
  ...startCases,
  ...lifecycleCases,
  ...deliveryCases,
  ...loadCases,
  ...redeliveryCases,
  ...shapeCases,
  ...foreignCases,
  ...groupCases,
  ...orderCases,
  ...orderMemberCases,
  ...orderAfterFailureCases,
  ...retryCases,
  ...deadLetterCases,
  ...redriveCases,
  ...unreadableCases,
  ...handlingCases,
  ...backpressureCases,
  ...reconnectCases,
  ...faultCases,
  ...drainCases,
  ...publishCases,
  ...positionCases,
  ...rewindCases,
  ...retentionCases,
  ...listingCases,
  ...timeToLiveCases,
  ...securityCases,
  ...bindingCases,
];

/** They want a server of their own, and take turns at it where starting one takes long. */
const LONG: readonly ClauseId[] = ['H2', 'H5', 'K3'];

/** Everything that an adapter must keep. Those that take long are first: side by side, the others go on meanwhile. */
export const contractCases: readonly ContractCase[] = [
  ...byClause.filter(({ id }) => LONG.includes(id)),
  ...byClause.filter(({ id }) => !LONG.includes(id)),
];

/** What the suite takes from a test runner; `vitest`, `node:test` and others have it. */
export interface TestRunner {
  describe(name: string, body: () => void): void;
  /** May run tests side by side: each has a namespace of its own. */
  test(name: string, body: () => Promise<void>): void;
}

/** Declares a test for each case, under the same name on every adapter. */
export function contractSuite({ describe, test }: TestRunner, harness: ContractHarness): void {
  describe(`contract: ${harness.name}`, () => {
    for (const contract of contractCases) test(contract.name, () => runCase(contract, new Bench(harness)));
  });
}

/** The same without a test runner, with what became of each. */
export function runCases(
  cases: readonly ContractCase[],
  harness: ContractHarness,
  parallel: number,
): Promise<readonly CaseResult<ContractCase>[]> {
  return runSideBySide(cases, harness, (noting) => new Bench(noting), parallel);
}
