import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ContainerModule, ServiceIdentifier } from 'inversify';
import type { Settings, SettingValues } from '@waggle/kernel';
import type { BrokerDriver, DriverSettings, Store, StoreSettings } from '@waggle/messaging';
import { brokerDriver, store } from '@waggle/messaging';
import { ConfigurationError } from './configuration.ts';
import { ROOT } from './discover.ts';

/** What `adapters/<name>/src/module.ts` exports as `broker` or as `store`. */
export interface AdapterModule<Surroundings> {
  /** The environment variables it reads. */
  readonly settings: Settings;
  /** What is wrong with settings that are good one by one, each with what to do; no secrets. @default nothing */
  check?(values: SettingValues<Settings>): readonly string[];
  /** Binds `brokerDriver` or `store`. */
  module(values: SettingValues<Settings>, surroundings: Surroundings): ContainerModule;
}

export type BrokerModule = AdapterModule<DriverSettings>;
export type StoreModule = AdapterModule<StoreSettings>;

export const brokerDriverId: ServiceIdentifier<BrokerDriver> = brokerDriver;
export const storeId: ServiceIdentifier<Store> = store;

/** A bare package name, with or without a scope. */
const PACKAGE = /^(@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/;

/**
 * Loads the configured adapter, and with it the one client library that is needed: from the folder `adapters/<name>`, which needs no
 * installation and whatever its package is called, else from an installed package.
 * @throws ConfigurationError
 */
export async function loadAdapter(kind: 'broker', name: string, root?: string): Promise<BrokerModule>;
export async function loadAdapter(kind: 'store', name: string, root?: string): Promise<StoreModule>;
export async function loadAdapter(
  kind: 'broker' | 'store',
  name: string,
  root: string = ROOT,
): Promise<BrokerModule | StoreModule> {
  const said = `${kind.toUpperCase()} is "${name}"`;
  if (!PACKAGE.test(name)) {
    throw new ConfigurationError([
      `${said}: give the name of a folder in adapters/, or of an installed package, and not a path`,
    ]);
  }
  const folder = pathToFileURL(join(root, 'adapters', name, 'src', 'module.ts')).href;
  const candidates = [
    [`adapters/${name}`, folder],
    [`${name}/module`, `${name}/module`],
  ] as const;
  for (const [where, specifier] of candidates) {
    const loaded = await importIfThere(specifier);
    if (loaded === undefined) continue;
    const adapter = loaded[kind];
    if (isAdapter(adapter)) return adapter;
    throw new ConfigurationError([`${said}: the adapter ${where} is no ${kind}: choose another one`]);
  }
  throw new ConfigurationError([
    `${said}: there is no adapters/${name} and no package of that name that exports "./module": check the spelling, or install it`,
  ]);
}

async function importIfThere(specifier: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  try {
    // A package without `exports` resolves to whatever is asked for, there or not.
    if (!existsSync(new URL(import.meta.resolve(specifier)))) return undefined;
  } catch {
    return undefined;
  }
  return (await import(specifier)) as Readonly<Record<string, unknown>>;
}

function isAdapter(value: unknown): value is BrokerModule & StoreModule {
  return typeof value === 'object' && value !== null && 'settings' in value && 'module' in value;
}
