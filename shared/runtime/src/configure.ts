import type { BrokerDriver, DriverSettings, Store } from '@waggle/messaging';
import { Container } from 'inversify';
import type { Logger } from '@waggle/kernel';
import type { AdapterModule } from './adapter-module.ts';
import { brokerDriverId, loadAdapter, storeId } from './adapter-module.ts';
import type { Environment } from './configuration.ts';
import { ConfigurationError, readSettings } from './configuration.ts';
import type { HostSettings } from './host-settings.ts';
import { checkHostSettings, hostSettings } from './host-settings.ts';
import { createLogger } from './logging.ts';

export interface Configured {
  readonly settings: HostSettings;
  readonly logger: Logger;
  readonly driver: BrokerDriver;
  readonly store: Store;
}

/**
 * From the environment to a logger, a driver and a store, nothing connected yet.
 * @throws ConfigurationError with every problem at once
 */
export async function configure(environment: Environment, ownLogger?: Logger): Promise<Configured> {
  const problems: string[] = [];
  const settings = readSettings(hostSettings, environment, problems);
  checkHostSettings(settings, problems);
  const broker = await collecting(problems, () => loadAdapter('broker', settings.BROKER));
  const store = await collecting(problems, () => loadAdapter('store', settings.STORE));
  const brokerModule = prepare(broker, environment, problems);
  const storeModule = prepare(store, environment, problems);
  if (problems.length > 0 || brokerModule === undefined || storeModule === undefined)
    throw new ConfigurationError(problems);
  const container = new Container({ defaultScope: 'Singleton' });
  const logger = ownLogger ?? (await createLogger(settings));
  container.load(brokerModule(driverSettings(settings, logger)), storeModule(undefined));
  return { settings, logger, driver: container.get(brokerDriverId), store: container.get(storeId) };
}

async function collecting<Result>(
  problems: string[],
  work: () => Promise<Result>,
): Promise<Result | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    problems.push(...error.problems);
    return undefined;
  }
}

function prepare<Surroundings>(
  adapter: AdapterModule<Surroundings> | undefined,
  environment: Environment,
  problems: string[],
) {
  if (adapter === undefined) return undefined;
  const values = readSettings(adapter.settings, environment, problems);
  return (surroundings: Surroundings) => adapter.module(values, surroundings);
}

function driverSettings(settings: HostSettings, logger: Logger): DriverSettings {
  return {
    namespace: settings.NAMESPACE,
    lanes: settings.LANES,
    retention: { maxAgeMs: settings.RETENTION_MAX_AGE_MS, maxBytes: settings.RETENTION_MAX_BYTES },
    maxMessageBytes: settings.MAX_EVENT_BYTES,
    requestTimeoutMs: settings.BROKER_TIMEOUT_MS,
    leaseMs: settings.LEASE_MS,
    logger,
  };
}
