import type { ContainerModule, ServiceIdentifier } from 'inversify';
import type { Settings, SettingValues } from '@waggle/kernel';
import type { BrokerDriver, DriverSettings, Store } from '@waggle/messaging';
import { brokerDriver, store } from '@waggle/messaging';
import { ConfigurationError } from './configuration.ts';

/** What `adapters/<name>/src/module.ts` exports as `broker` or as `store`. */
export interface AdapterModule<Surroundings> {
  /** The environment variables it reads. */
  readonly settings: Settings;
  /** Binds `brokerDriver` or `store`. */
  module(values: SettingValues<Settings>, surroundings: Surroundings): ContainerModule;
}

export type BrokerModule = AdapterModule<DriverSettings>;
export type StoreModule = AdapterModule<undefined>;

export const brokerDriverId: ServiceIdentifier<BrokerDriver> = brokerDriver;
export const storeId: ServiceIdentifier<Store> = store;

/** Loads the configured adapter, and with it the one client library that is needed. @throws ConfigurationError */
export async function loadAdapter(kind: 'broker', name: string): Promise<BrokerModule>;
export async function loadAdapter(kind: 'store', name: string): Promise<StoreModule>;
export async function loadAdapter(
  kind: 'broker' | 'store',
  name: string,
): Promise<BrokerModule | StoreModule> {
  const variable = kind.toUpperCase();
  const candidates = /^[a-z][a-z0-9-]*$/.test(name) ? [`@waggle/adapter-${name}/module`] : [];
  for (const specifier of [...candidates, `${name}/module`]) {
    const loaded = await importIfThere(specifier);
    if (loaded === undefined) continue;
    const adapter = loaded[kind];
    if (isAdapter(adapter)) return adapter;
    throw new ConfigurationError([
      `${variable} is "${name}": the adapter ${specifier} is no ${kind}: choose another one`,
    ]);
  }
  throw new ConfigurationError([
    `${variable} is "${name}": there is no adapters/${name} and no package of that name: check the spelling, or install it`,
  ]);
}

async function importIfThere(specifier: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  try {
    import.meta.resolve(specifier);
  } catch {
    return undefined;
  }
  return (await import(specifier)) as Readonly<Record<string, unknown>>;
}

function isAdapter(value: unknown): value is BrokerModule & StoreModule {
  return typeof value === 'object' && value !== null && 'settings' in value && 'module' in value;
}
