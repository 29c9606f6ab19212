import type { AdapterTesting, BrokerUse, Settlement, StoreUse } from '../adapters/adapter-testing.ts';
import { adaptersWith } from '../adapters/discover.ts';
import { HOST_SETTINGS, LANES } from './mortal-host.ts';
import { processWorld } from './process-world.ts';
import { COUNT, TALLY } from './service.ts';
import type { World } from './world.ts';

interface Side<Use> {
  readonly name: string;
  readonly use: Use;
  readonly hasServer: boolean;
}

export interface Pair {
  readonly broker: Side<BrokerUse>;
  readonly store: Side<StoreUse>;
}

interface Bringing<Use> {
  readonly name: string;
  readonly part: { readonly use?: Use };
  readonly testing: AdapterTesting;
}

const sidesOf = <Use>(found: readonly Bringing<Use>[]): readonly Side<Use>[] =>
  found.flatMap(({ name, part: { use }, testing: { server } }) =>
    use === undefined ? [] : [{ name, use, hasServer: server !== undefined }],
  );

/** Every broker with every store; those that come first have each of them once. */
async function findPairs(): Promise<readonly Pair[]> {
  const brokers = sidesOf(await adaptersWith('broker'));
  const stores = sidesOf(await adaptersWith('store'));
  return stores.flatMap((_, turn) =>
    brokers.flatMap((broker, index): readonly Pair[] => {
      const store = stores[(index + turn) % stores.length];
      return store === undefined ? [] : [{ broker, store }];
    }),
  );
}

export const pairs = await findPairs();

/** Where the server of this adapter is; started when it is first asked for. */
export type UrlOf = (name: string) => Promise<string>;

const SOURCES = [`grp.${COUNT}`, `grp.${TALLY}`];

/** A namespace of its own on real servers. */
export async function openPair({ broker, store }: Pair, urlOf: UrlOf): Promise<World> {
  const NAMESPACE = `chaos-${crypto.randomUUID().slice(0, 8)}`;
  const place = ({ name, hasServer }: Side<unknown>) => (hasServer ? urlOf(name) : '');
  const url = await place(broker);
  const onStore: Settlement = await store.use.settle(await place(store), NAMESPACE);
  const environment = {
    ...HOST_SETTINGS,
    ...broker.use.environment(url),
    ...onStore.environment,
    BROKER: broker.name,
    STORE: store.name,
    NAMESPACE,
    LOG_LEVEL: 'info',
    WAGGLE_BROKER_URL: url,
  };
  return processWorld(environment, async () => {
    const left = { sources: SOURCES, lanes: LANES, delays: [] };
    await Promise.all([broker.use.sweep(url, NAMESPACE, left), onStore.sweep()]);
  });
}
