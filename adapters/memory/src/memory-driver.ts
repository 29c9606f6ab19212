import { createDriver, type BrokerDriver, type DriverSettings } from '@waggle/messaging';
import { createMemoryBroker, type MemoryBroker } from './memory-broker.ts';
import type { Client } from './memory-member.ts';

export interface MemoryDriver extends BrokerDriver {
  /**
   * Behaves as if the process stood still, as in a long garbage collection: its consumers take nothing and what they
   * settle is not sent, so that after `leaseMs` what they hold goes to other members. A test hook.
   */
  freeze(): void;
  /** The process goes on: what it settled meanwhile is sent, and has no effect if its lease was over. */
  thaw(): void;
}

/** @param broker the server; drivers that share it are replicas or other services @default one of its own */
export function createMemoryDriver(
  settings: DriverSettings,
  broker: MemoryBroker = createMemoryBroker(),
): MemoryDriver {
  const client: Client = { settings, members: new Set(), places: new Map(), frozen: false };
  return Object.assign(createDriver(settings, broker.connector(client)), {
    freeze() {
      client.frozen = true;
      for (const member of client.members) member.freeze();
    },
    thaw() {
      client.frozen = false;
      for (const member of client.members) member.thaw();
    },
  });
}
