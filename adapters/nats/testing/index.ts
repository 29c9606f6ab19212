import type { AdapterTesting } from '@waggle/test/adapter';
import { server } from './server.ts';

export const testing: AdapterTesting = {
  server,
  broker: {
    harness: async (url) => (await import('./harness.ts')).natsHarness(url),
    use: {
      // The server may be given, and beyond loopback: messages of tests are no secret.
      environment: (url) => ({ NATS_URL: url, NATS_CLEARTEXT: 'anywhere' }),
      drivers: async (url) => (await import('./use.ts')).drivers(url),
      sweep: async (...given) => (await import('./use.ts')).sweep(...given),
      listing: async (server) => (await import('./use.ts')).listing(server),
    },
    rawPublisher: async (...given) => (await import('./raw-publisher.ts')).natsRawPublisher(...given),
    foreignClient: async (...given) => (await import('./foreign-client.ts')).natsForeignClient(...given),
    place: async (url) => (await import('./place.ts')).natsPlace(url),
  },
};
