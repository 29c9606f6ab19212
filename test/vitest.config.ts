import { defineConfig } from 'vitest/config';

/** Real servers and real time: long limits. Much of it is waiting, so there are more files at once than there are cores. */
export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    globalSetup: ['setup/servers.ts'],
    testTimeout: 180_000,
    expect: { poll: { timeout: 15_000 } },
    hookTimeout: 180_000,
    isolate: false,
    maxWorkers: 3,
    hideSkippedTests: true, // `-t` would bury what it chose
    reporters: ['default', 'json'],
    outputFile: { json: 'reports/vitest.json' },
  },
});
