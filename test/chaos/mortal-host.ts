import type { BrokerDriver, DriverSettings, Store } from '@waggle/messaging';
import type { Environment, Host } from '@waggle/runtime';
import { startHost } from '@waggle/runtime';
import type { Life } from './life.ts';
import { mortalDriver } from './mortal-driver.ts';
import { mortalStore } from './mortal-store.ts';
import { chaosService, CONTRACTS } from './service.ts';

export interface MortalHostOptions {
  readonly environment: Environment;
  readonly driver: (settings: DriverSettings) => BrokerDriver;
  readonly store: Store;
  readonly life: Life;
}

/** What a case has in common with all others. A short lease: what the dead held is soon with somebody else. */
export const HOST_SETTINGS = { LANES: '2', LEASE_MS: '1000', RETENTION_MAX_BYTES: '16777216', PORT: '0' };
export const LANES = Number(HOST_SETTINGS.LANES);

/** A host with the one service, whose life may end at a kill point. */
export async function startMortalHost({
  environment,
  driver,
  store,
  life,
}: MortalHostOptions): Promise<Host> {
  let host: Host | undefined = undefined;
  const isSettled = async (): Promise<boolean> => host?.isSettled() ?? false;
  host = await startHost({
    services: [chaosService(isSettled)],
    contracts: CONTRACTS,
    environment,
    driver: (settings) => mortalDriver(driver(settings), life),
    store: mortalStore(store, life),
  });
  return host;
}
