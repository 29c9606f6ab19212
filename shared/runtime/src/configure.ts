import 'reflect-metadata';
import type { BrokerDriver, DriverSettings, Store, StoreSettings } from '@waggle/messaging';
import type { ServiceIdentifier } from 'inversify';
import { Container } from 'inversify';
import type { Logger } from '@waggle/kernel';
import type { AdapterModule } from './adapter-module.ts';
import { brokerDriverId, loadAdapter, storeId } from './adapter-module.ts';
import type { Environment } from './configuration.ts';
import { ConfigurationError, readSettings } from './configuration.ts';
import { loadServices } from './discover.ts';
import type { HostSettings } from './host-settings.ts';
import { checkHostSettings, checkNamespace, hostSettings } from './host-settings.ts';
import { createLogger } from './logging.ts';
import type { Service } from './service.ts';

/** The environment, and what comes from elsewhere than the environment says. */
export interface Surroundings {
  readonly environment: Environment;
  /** @default those that SERVICES names, from the folder services/ */
  readonly services?: readonly Service[];
  /** @default pino, on standard error */
  readonly logger?: Logger;
  /** In the place of what BROKER names, which is then only a name to show. @default the adapter that BROKER names */
  readonly driver?: (settings: DriverSettings) => BrokerDriver;
  /** In the place of what STORE names, which is then only a name to show. @default the adapter that STORE names */
  readonly store?: Store;
}

export interface Configured {
  readonly services: readonly Service[];
  readonly settings: HostSettings;
  readonly logger: Logger;
  readonly driver: BrokerDriver;
  readonly store: Store;
}

/**
 * From the environment to services, a logger, a driver and a store, nothing connected yet.
 * @throws ConfigurationError with every problem at once
 */
export async function configure({ environment, ...given }: Surroundings): Promise<Configured> {
  const problems: string[] = [];
  const settings = readSettings(hostSettings, environment, problems);
  checkHostSettings(settings, problems);
  const { driver, store } = given;
  const maker = makerFor(environment);
  const parts = await Promise.all([
    attempt(async () => given.services ?? (await loadServices(settings.SERVICES, settings.BROKER))),
    attempt(async () => driver ?? maker(brokerDriverId, await loadAdapter('broker', settings.BROKER))),
    attempt(async () => (store ? () => store : maker(storeId, await loadAdapter('store', settings.STORE)))),
  ]);
  problems.push(...parts.flatMap((part) => part.problems));
  const [{ result: services }, { result: makeDriver }, { result: makeStore }] = parts;
  if (problems.length > 0 || services === undefined || makeDriver === undefined || makeStore === undefined)
    throw new ConfigurationError(problems);
  const logger = given.logger ?? (await createLogger(settings));
  return {
    services,
    settings,
    logger,
    driver: makeDriver(driverSettings(settings, logger)),
    store: makeStore(storeSettings(settings, logger)),
  };
}

/**
 * From the environment to a driver alone, for tools that need no service and no store; nothing connected yet.
 * @throws ConfigurationError with every problem at once
 */
export async function configureBroker({
  environment,
  ...given
}: Pick<Surroundings, 'environment' | 'driver'>): Promise<Omit<Configured, 'services' | 'store'>> {
  const problems: string[] = [];
  const settings = readSettings(hostSettings, environment, problems);
  checkNamespace(settings, problems);
  const { result: makeDriver, problems: others } = await attempt(
    async () =>
      given.driver ?? makerFor(environment)(brokerDriverId, await loadAdapter('broker', settings.BROKER)),
  );
  problems.push(...others);
  if (problems.length > 0 || makeDriver === undefined) throw new ConfigurationError(problems);
  const logger = await createLogger(settings);
  return { settings, logger, driver: makeDriver(driverSettings(settings, logger)) };
}

/** The same for a store alone. @throws ConfigurationError with every problem at once */
export async function configureStore(
  environment: Environment,
  logger: Logger,
): Promise<Pick<Configured, 'settings' | 'store'>> {
  const problems: string[] = [];
  const settings = readSettings(hostSettings, environment, problems);
  checkNamespace(settings, problems);
  const { result: makeStore, problems: others } = await attempt(async () =>
    makerFor(environment)(storeId, await loadAdapter('store', settings.STORE)),
  );
  problems.push(...others);
  if (problems.length > 0 || makeStore === undefined) throw new ConfigurationError(problems);
  return { settings, store: makeStore(storeSettings(settings, logger)) };
}

/** What an adapter's module binds, made with what the environment says to it. */
function makerFor(environment: Environment) {
  /** @throws ConfigurationError */
  return <Given, Made>(id: ServiceIdentifier<Made>, adapter: AdapterModule<Given>) => {
    const wrong: string[] = [];
    const values = readSettings(adapter.settings, environment, wrong);
    if (wrong.length === 0) wrong.push(...(adapter.check?.(values) ?? []));
    if (wrong.length > 0) throw new ConfigurationError(wrong);
    return (surroundings: Given): Made => {
      const container = new Container({ defaultScope: 'Singleton' });
      container.load(adapter.module(values, surroundings));
      return container.get(id);
    };
  };
}

/** Problems are kept, to be told with the others. */
async function attempt<Result>(work: () => Promise<Result>) {
  try {
    return { result: await work(), problems: [] };
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return { result: undefined, problems: error.problems };
  }
}

function storeSettings(settings: HostSettings, logger: Logger): StoreSettings {
  return {
    namespace: settings.NAMESPACE,
    topology: settings.TOPOLOGY,
    requestTimeoutMs: settings.STORE_TIMEOUT_MS,
    logger,
  };
}

function driverSettings(settings: HostSettings, logger: Logger): DriverSettings {
  return {
    namespace: settings.NAMESPACE,
    lanes: settings.LANES,
    retention: { maxAgeMs: settings.RETENTION_MAX_AGE_MS, maxBytes: settings.RETENTION_MAX_BYTES },
    maxMessageBytes: settings.MAX_EVENT_BYTES,
    requestTimeoutMs: settings.BROKER_TIMEOUT_MS,
    leaseMs: settings.LEASE_MS,
    topology: settings.TOPOLOGY,
    logger,
  };
}
