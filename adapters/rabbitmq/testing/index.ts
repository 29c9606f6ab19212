import type { AdapterTesting } from '@waggle/test/adapter';
import { server } from './server.ts';

export const testing: AdapterTesting = {
  server,
  broker: {
    harness: async (url) => (await import('./harness.ts')).rabbitmqHarness(url),
    use: {
      // The server may be given, and beyond loopback: messages of tests are no secret.
      environment: (url) => ({ RABBITMQ_URL: url, RABBITMQ_CLEARTEXT: 'anywhere' }),
      drivers: async (url) => (await import('./use.ts')).drivers(url),
      sweep: async (...given) => (await import('./use.ts')).sweep(...given),
      listing: async ({ ctl }) =>
        `${await ctl('list_queues', 'name')}\n${await ctl('list_exchanges', 'name')}`,
    },
    rawPublisher: async (url, namespace) =>
      (await import('./raw-publisher.ts')).rabbitmqRawPublisher(url, namespace),
    foreignClient: async (...given) => (await import('./foreign-client.ts')).rabbitmqForeignClient(...given),
    place: async (url) => (await import('./place.ts')).rabbitmqPlace(url),
  },
};
