import { setImmediate as turn } from 'node:timers/promises';
import { createMemoryBroker, createMemoryDriver } from '@waggle/adapter-memory';
import type { MemoryBroker, MemoryDriver } from '@waggle/adapter-memory';
import type { BrokerDriver, DriverSettings } from '@waggle/messaging';
import type { ContractHarness, Limits, Link, PrivateServer, SettingsOverrides } from '../suite/index.ts';
import { contractSettings } from './settings.ts';

export type Wrap = (driver: MemoryDriver, settings: DriverSettings) => BrokerDriver;

export interface MemoryHarnessOptions {
  readonly limits?: Partial<Limits>;
  /** Puts something around every driver: how the suite itself is tested. */
  readonly wrap?: Wrap;
  /** @default none: it has no passwords */
  readonly secrets?: readonly string[];
}

const untouched: Wrap = (driver) => driver;

/** The broker in this process, as strict as the servers. */
export function memoryHarness({
  limits,
  wrap = untouched,
  secrets = [],
}: MemoryHarnessOptions = {}): ContractHarness {
  const broker = createMemoryBroker();
  const driverOf = (server: MemoryBroker) => (overrides: SettingsOverrides) => {
    const all = contractSettings(overrides);
    return wrap(createMemoryDriver(all, server), all);
  };

  async function privateServer(): Promise<PrivateServer> {
    const server = createMemoryBroker();
    return {
      driver: driverOf(server),
      restart: async () => server.restart(),
      kill: async () => server.stop(),
      stop: async () => server.stop(),
    };
  }

  async function link(): Promise<Link> {
    const server = createMemoryBroker();
    return {
      driver: driverOf(server),
      cut: async () => server.stop(),
      restore: async () => server.start(),
      stall: () => {
        throw new Error('the broker in memory answers at once: it declares "never-late"');
      },
      resume: () => undefined,
      dropConnections: () => server.dropConnections(),
      attempted: () => turn(), // opening tries within the call, and knows the outcome within the turn
      close: async () => server.start(),
    };
  }

  async function restricted() {
    const server = createMemoryBroker();
    server.deny('publish', ({ resource }) => resource === 'stream');
    const closed = createMemoryBroker();
    closed.deny('open');
    return { publisher: driverOf(server), intruder: driverOf(closed), close: async () => undefined };
  }

  return {
    name: 'memory',
    limits: { deadlineMs: 30_000, leaseMs: 400, ...limits },
    declares: {
      'never-late': 'a publish is confirmed in the same process, without anything that could be late',
      'no-foreign-client': 'nothing outside the process can reach it',
    },
    driver: driverOf(broker),
    reservedHeaders: [],
    secrets,
    faults: {
      link,
      privateServer,
      restricted,
      closeChannels: async () => broker.closeChannels(),
      deleteConsumer: async (_namespace, group) => broker.deleteConsumer(group),
    },
    close: async () => undefined,
  };
}
