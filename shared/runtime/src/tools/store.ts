import { silentLogger } from '@waggle/kernel';
import type { Store } from '@waggle/messaging';
import type { Environment } from '../configuration.ts';
import { configureStore } from '../configure.ts';
import type { HostSettings } from '../host-settings.ts';
import { UsageError } from './tool.ts';

export interface OpenStore {
  readonly store: Store;
  readonly settings: HostSettings;
  /** The namespace and the store, as output begins with. */
  readonly where: { readonly namespace: string; readonly store: string };
}

/** The configured store, as the host would have it, for as long as `use` takes. */
export async function withStore<Result>(
  environment: Environment,
  topology: 'bind' | 'declare',
  use: (open: OpenStore) => Promise<Result>,
): Promise<Result> {
  const { store, settings } = await configureStore({ ...environment, TOPOLOGY: topology }, silentLogger);
  if (settings.STORE === 'memory')
    throw new UsageError('STORE is "memory", which ends with its process: set STORE to another one');
  try {
    await store.open();
    return await use({ store, settings, where: { namespace: settings.NAMESPACE, store: settings.STORE } });
  } finally {
    await store.close();
  }
}
