import type { AdapterTesting } from '@waggle/test/adapter';
import { server } from './server.ts';

export const testing: AdapterTesting = {
  server,
  broker: {
    harness: async (url) => (await import('./harness.ts')).natsHarness(url),
  },
};
