import type { AdapterTesting } from '@waggle/test/adapter';
import { server } from './server.ts';

export const testing: AdapterTesting = {
  server,
  store: {
    harness: async (url) => (await import('./harness.ts')).postgresStoreHarness(url),
    use: {
      settle: async (...given) => (await import('./use.ts')).settle(...given),
      store: async (...given) => (await import('./use.ts')).store(...given),
      commitSteps: { steps: ['sent'], watch: async (reach) => (await import('./use.ts')).watch(reach) },
    },
    place: async (...given) => (await import('./place.ts')).postgresPlace(...given),
  },
};
