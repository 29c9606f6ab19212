import type { AdapterTesting } from '@waggle/test/adapter';

export const testing: AdapterTesting = {
  store: {
    harness: async () => (await import('./harness.ts')).sqliteStoreHarness(),
  },
};
