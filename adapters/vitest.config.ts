import { join } from 'node:path';
import { defineConfig, mergeConfig } from 'vitest/config';
import shared from '../vitest.config.ts';

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
    },
  }),
);
