import { afterAll, describe, test, vi } from 'vitest';
import { contractSuite, stillToDo } from '../suite/index.ts';
import type { ContractHarness } from '../suite/index.ts';
import type { StoreHarness } from '../stores/index.ts';
import { storeSuite } from '../stores/index.ts';

/** How many tests run side by side: enough that waiting costs nothing, few enough for two busy cores. */
const PARALLEL = 8;
/** Above every deadline inside the suite, so that it is the suite that says what did not come. */
const TIMEOUT_MS = 120_000;

/** Runs the suite under Vitest against what `harness` gives, and closes it afterwards. */
export function runContractSuite(harness: ContractHarness): void {
  vi.setConfig({ testTimeout: TIMEOUT_MS, hookTimeout: TIMEOUT_MS, maxConcurrency: PARALLEL });
  afterAll(() => harness.close());
  contractSuite({ describe, test: sideBySide }, harness);
}

/** The same for a store. */
export function runStoreSuite(harness: StoreHarness): void {
  vi.setConfig({ testTimeout: TIMEOUT_MS, hookTimeout: TIMEOUT_MS, maxConcurrency: PARALLEL });
  afterAll(() => harness.close());
  storeSuite({ describe, test: sideBySide }, harness);
}

function sideBySide(name: string, body: () => Promise<void>): void {
  test.concurrent(name, () => body().catch(rethrow));
}

/** Work that is left needs no stack. Vitest shows errors that have the same one once, below all the tests that met it. */
function rethrow(error: unknown): never {
  const sentence = stillToDo(error);
  if (sentence === undefined) throw error;
  throw Object.assign(new Error(sentence), { name: 'Still to do', stack: sentence });
}
