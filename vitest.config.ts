import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** For every workspace but `test`, which has its own. Reports are what `npm test` adds up. */
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts', 'src/**/*.test.ts'],
    // Turbo runs two workspaces at once; most of their time goes into waiting for servers.
    // Files share what they import, which is most of the work; none leaves anything behind for the next.
    isolate: false,
    maxWorkers: Math.max(2, availableParallelism() >> 1),
    // Some start real servers, on machines that are busy.
    testTimeout: 30_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 15_000 } },
    hideSkippedTests: true, // `-t` would bury what it chose
    reporters: ['default', 'json'],
    outputFile: { json: 'reports/vitest.json' },
  },
});
