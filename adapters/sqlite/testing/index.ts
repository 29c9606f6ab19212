import { join } from 'node:path';
import type { AdapterTesting } from '@waggle/test/adapter';

export const testing: AdapterTesting = {
  store: {
    harness: async () => (await import('./harness.ts')).sqliteStoreHarness(),
    use: {
      keptIn: (folder) => ({ SQLITE_FILE: join(folder, 'waggle.sqlite') }),
      settle: async (...given) => (await import('./use.ts')).settle(...given),
      store: async (...given) => (await import('./use.ts')).store(...given),
      commitSteps: {
        steps: ['outbox', 'inbox', 'end'],
        watch: async (reach) => (await import('./use.ts')).watch(reach),
      },
    },
    place: async () => (await import('./place.ts')).sqlitePlace(),
  },
};
