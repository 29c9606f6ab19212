import type { AdapterTesting } from '@waggle/test/adapter';

/** What tests of the whole repository get of this adapter: `AdapterTesting` says what else it may bring. */
export const testing: AdapterTesting = {
  broker: {
    // With `server`, which says how one is started, its address comes as an argument.
    harness: async () => (await import('./harness.ts')).paperPlaneHarness(),
  },
};
