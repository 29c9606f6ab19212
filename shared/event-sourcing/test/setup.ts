import { createMemoryStore } from '@waggle/adapter-memory';
import type { Decider, Upcasters } from '@waggle/kernel';
import { silentLogger } from '@waggle/kernel';
import {
  checkpoints,
  createEventStore,
  createUnitOfWork,
  pause,
  randomIds,
  systemClock,
} from '@waggle/messaging';
import { createProjector, defineProjection } from '../src/index.ts';

type Counted = { readonly type: 'counted'; readonly data: { readonly by: number } };

/** Counts up to ten. */
export const counter: Decider<number, { readonly by: number }, Counted> = {
  decide({ by }, state) {
    if (state + by > 10) throw new Error('ten is the end');
    return by === 0 ? [] : [{ type: 'counted', data: { by } }];
  },
  evolve: (state, { data }) => state + data.by,
  initialState: 0,
};

/** A service over a store in memory. */
export async function openService(upcasters?: Upcasters) {
  const store = createMemoryStore();
  await store.open();
  const options = { store, service: 'testing', clock: systemClock, ids: randomIds, upcasters, pollMs: 50 };
  const unitOfWork = createUnitOfWork({ ...options, publisher: { encode: () => '{}' } });
  const events = createEventStore(options);
  const projector = createProjector({
    events,
    unitOfWork,
    checkpoints,
    logger: silentLogger,
    pause: (ms, signal) => pause(systemClock, ms, signal),
  });
  return { store, unitOfWork, events, projector };
}

export type OpenService = Awaited<ReturnType<typeof openService>>;

/** The sum of each counter, as `{ sum }` (or under another name, for another version). */
export function sums({
  version = 1,
  field = 'sum',
}: { readonly version?: number; readonly field?: string } = {}) {
  const reacted: string[] = [];
  const projection = defineProjection<Record<string, number>, Counted>({
    name: 'sums',
    category: 'counter',
    version,
    async project(views, { data }, { stream }) {
      const { [field]: before = 0 } = (await views.get(stream)) ?? {};
      views.put(stream, { [field]: before + data.by });
    },
    react: (_tx, _event, { stream, version: at }) => void reacted.push(`${stream}@${at}`),
  });
  const views = ({ unitOfWork }: OpenService) =>
    unitOfWork.run(async (tx) => (await projection.views(tx)).list());
  return { projection, reacted, views };
}

export const counted = (by = 1): Counted => ({ type: 'counted', data: { by } });
