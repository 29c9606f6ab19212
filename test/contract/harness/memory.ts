import { setTimeout as delay } from 'node:timers/promises';
import { createMemoryBroker, createMemoryDriver } from '@waggle/adapter-memory';
import type { MemoryBroker, MemoryDriver } from '@waggle/adapter-memory';
import type { BrokerDriver, DriverSettings } from '@waggle/messaging';
import type { ContractHarness, Limits, Link, PrivateServer, SettingsOverrides } from '../suite/index.ts';
import { openMemoryLink } from './memory-link.ts';
import { openMemoryAccount } from './memory-secured.ts';
import { contractSettings } from './settings.ts';

/** `another` makes one more driver of the same server, with other settings if need be. */
export type Wrap = (
  driver: MemoryDriver,
  settings: DriverSettings,
  another: (changes?: Partial<DriverSettings>) => BrokerDriver,
) => BrokerDriver;

export interface MemoryHarnessOptions {
  readonly limits?: Partial<Limits>;
  /** Puts something around every driver: how the suite itself is tested. */
  readonly wrap?: Wrap;
  /** @default none: it has no passwords */
  readonly secrets?: readonly string[];
}

/** A restart takes a moment, in which others go on. */
const OUTAGE_MS = 50;

const untouched: Wrap = (driver) => driver;
const ignore = (): void => undefined;

/** The broker in this process, as strict as the servers. */
export function memoryHarness({
  limits,
  wrap = untouched,
  secrets = [],
}: MemoryHarnessOptions = {}): ContractHarness {
  const broker = createMemoryBroker();
  const driverOf = (server: MemoryBroker, made: (driver: MemoryDriver) => void = ignore) =>
    function driver(overrides: SettingsOverrides): BrokerDriver {
      const all = contractSettings(overrides);
      const inner = createMemoryDriver(all, server);
      made(inner);
      return wrap(inner, all, (changes) => createMemoryDriver({ ...all, ...changes }, server));
    };

  async function privateServer(): Promise<PrivateServer> {
    const server = createMemoryBroker();
    return {
      driver: driverOf(server),
      async restart() {
        server.stop();
        await delay(OUTAGE_MS);
        server.start();
      },
      kill: async () => server.stop(),
      close: async () => server.stop(),
    };
  }

  async function link(): Promise<Link> {
    const way = openMemoryLink(broker);
    return { ...way, driver: driverOf(way.broker, way.add) };
  }

  async function restricted() {
    const server = createMemoryBroker();
    server.deny('publish', ({ resource }) => resource === 'stream');
    const closed = createMemoryBroker();
    closed.deny('open');
    return { publisher: driverOf(server), intruder: driverOf(closed), close: async () => undefined };
  }

  async function secured() {
    const { broker: open, closed, ...rest } = openMemoryAccount();
    const driver = driverOf(open);
    return { ...rest, driver, credentials: { 'being let in': { right: driver, wrong: driverOf(closed) } } };
  }

  return {
    name: 'memory',
    limits: { deadlineMs: 30_000, leaseMs: 400, ...limits },
    declares: {
      'never-late': 'a publish is confirmed in the same process, without anything that could be late',
      'no-foreign-client': 'nothing outside the process can reach it',
      'no-tls': 'nothing leaves the process',
    },
    driver: driverOf(broker),
    reservedHeaders: [],
    secrets,
    faults: { link, privateServer, restricted, secured },
    close: async () => undefined,
  };
}
