import { silentLogger } from '@waggle/kernel';
import type { Environment } from '@waggle/runtime';
import { watchInside } from './inside-commit.ts';
import type { Broker, StoreKind } from './kinds.ts';
import { brokers, stores } from './kinds.ts';
import { createLife } from './life.ts';
import { startMortalHost } from './mortal-host.ts';

/** A host on the broker and the store that the environment names, in a process that is killed at `WAGGLE_KILL_AT`. */
export async function startFromEnvironment(environment: Environment, kill: () => void): Promise<void> {
  const { BROKER, STORE, NAMESPACE: namespace = '', WAGGLE_KILL_AT: killAt } = environment;
  const life = createLife(killAt, kill);
  const settings = {
    namespace,
    topology: 'declare',
    requestTimeoutMs: 10_000,
    logger: silentLogger,
  } as const;
  const store = await stores[STORE as StoreKind](environment, settings);
  const driver = await brokers[BROKER as Broker](environment);
  await watchInside[STORE as StoreKind](life);
  await startMortalHost({ environment, driver, store, life });
}
