import {
  createMemoryBroker,
  createMemoryDatabase,
  createMemoryDriver,
  createMemoryStore,
} from '@waggle/adapter-memory';
import type { BrokerDriver, Store } from '@waggle/messaging';
import type { Host } from '@waggle/runtime';
import { openMemoryLink } from '../contract/harness/memory-link.ts';
import { createLife } from './life.ts';
import { HOST_SETTINGS, startMortalHost } from './mortal-host.ts';
import type { World } from './world.ts';

/** Puts something around what each host uses: a mistake, to be found. */
export interface Planted {
  readonly store?: (store: Store) => Store;
  readonly driver?: (driver: BrokerDriver) => BrokerDriver;
}

/**
 * Broker and store in this process. A host that is killed is discarded: nothing that it asks is done or answered any more, and
 * the broker finds its connection gone.
 */
export function memoryWorld(planted: Planted = {}): World {
  const { store: aroundStore = (store) => store, driver: aroundDriver = (driver) => driver } = planted;
  const broker = createMemoryBroker();
  const database = createMemoryDatabase();
  const hosts: Host[] = [];
  // Nobody waits for what is left of a discarded host.
  const environment = { ...HOST_SETTINGS, LOG_LEVEL: 'silent', SHUTDOWN_TIMEOUT_MS: '0' };

  return {
    async start(killAt) {
      const link = openMemoryLink(broker);
      const { promise: died, resolve } = Promise.withResolvers<string>();
      const life = createLife(killAt, () => {
        void link.cut();
        resolve('SIGKILL');
      });
      const host = await startMortalHost({
        environment,
        driver: (settings) => aroundDriver(createMemoryDriver(settings, link.broker)),
        store: aroundStore(createMemoryStore(database)),
        life,
      });
      hosts.push(host);
      return { request: (path, init) => host.request(path, init), died, lastWords: () => '' };
    },
    async close() {
      await Promise.all(hosts.map((host) => host.stop()));
    },
  };
}
