import { silentLogger } from '@waggle/kernel';
import type { Environment } from '@waggle/runtime';
import { adapterTesting } from '../adapters/discover.ts';
import { createLife } from './life.ts';
import { startMortalHost } from './mortal-host.ts';
import { committing } from './mortal-store.ts';

/**
 * A host on the broker and the store that the environment names, in a process that is killed at `WAGGLE_KILL_AT`. Each loads its own
 * adapters alone, since hosts start all the time.
 */
export async function startFromEnvironment(environment: Environment, kill: () => void): Promise<void> {
  const { BROKER = '', STORE = '', NAMESPACE: namespace = '' } = environment;
  const { WAGGLE_KILL_AT: killAt, WAGGLE_BROKER_URL: url = '' } = environment;
  const broker = (await adapterTesting(BROKER)).broker?.use;
  const store = (await adapterTesting(STORE)).store?.use;
  if (broker === undefined || store === undefined) throw new Error(`${BROKER} or ${STORE} has no \`use\``);
  const life = createLife(killAt, kill);
  const settings = {
    namespace,
    topology: 'declare',
    requestTimeoutMs: 10_000,
    logger: silentLogger,
  } as const;
  const opened = await store.store(environment, settings);
  const driver = await broker.drivers(url);
  await store.commitSteps?.watch((step) => {
    const work = committing.getStore();
    if (work !== undefined) life.reach(`${work}.${step}`);
  });
  await startMortalHost({ environment, driver, store: opened, life });
}
