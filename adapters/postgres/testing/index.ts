import type { AdapterTesting } from '@waggle/test/adapter';
import { server } from './server.ts';

export const testing: AdapterTesting = {
  server,
  store: {
    harness: async (url) => (await import('./harness.ts')).postgresStoreHarness(url),
  },
};
