import { join } from 'node:path';
import { defineConfig, mergeConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import shared from '../vitest.config.ts';

const takesLong = ({ moduleId }: TestSpecification): boolean => moduleId.includes('/contract');

/** The contract suites take the longest and are the shortest files, which would otherwise come last. */
class ContractFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const [suites, others] = [files.filter(takesLong), files.filter((file) => !takesLong(file))];
    return [...suites, ...(await super.sort(others))];
  }
}

/**
 * For adapters: their contract suites get the server that a run shares from `serverUrl`. Real servers and real time: long
 * limits, and no more files at once than there are cores.
 */
export default mergeConfig(
  shared,
  defineConfig({
    test: {
      globalSetup: [join(import.meta.dirname, '../test/setup/servers.ts')],
      testTimeout: 180_000,
      hookTimeout: 180_000,
      maxWorkers: 2,
      sequence: { sequencer: ContractFirst },
    },
  }),
);
