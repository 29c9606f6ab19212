import { AsyncLocalStorage } from 'node:async_hooks';
import type { Changes, Store } from '@waggle/messaging';
import type { Stage, Work } from './kill-points.ts';
import { stageOf, workOf } from './kill-points.ts';
import type { Life } from './life.ts';
import { mortal, never } from './life.ts';

/** Whose commit the running code is part of. */
export const committing = new AsyncLocalStorage<Work>();

/** A store with the kill points of a process around it. */
export function mortalStore(store: Store, life: Life): Store {
  /** Of the outbox, by position. */
  const stages = new Map<number, Stage | undefined>();

  return mortal(store, life, {
    async commit(scope, changes) {
      const work = committedBy(changes);
      if (work === undefined) return store.commit(scope, changes);
      if (life.reach(`${work}.begin`)) return never();
      const result = await committing.run(work, () => store.commit(scope, changes));
      if (result.outcome === 'committed') life.reach(`${work}.committed`);
      return result;
    },
    async outbox(options) {
      const page = await store.outbox(options);
      for (const { position, body } of page.entries) stages.set(position, stageOf(typeIn(body)));
      return page;
    },
    async removeFromOutbox(positions) {
      const removed = new Set(positions.map((position) => stages.get(position)));
      for (const stage of removed) if (life.reach(`${stage}.remove`)) return never();
      await store.removeFromOutbox(positions);
      for (const stage of removed) life.reach(`${stage}.removed`);
    },
  });
}

/** Read models and shares commit as well: they are nobody's here. */
function committedBy({ inbox, streams = [] }: Changes): Work | undefined {
  if (inbox !== undefined) return workOf(inbox.consumer);
  return streams.length > 0 ? 'request' : undefined;
}

const typeIn = (body: string): string => (JSON.parse(body) as { readonly type: string }).type;
