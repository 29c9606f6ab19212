import type { Changes, CommitOutcome, EventRow, Store } from '@waggle/messaging';
import type { Planted } from '../harness/memory-store.ts';
import type { OpenWriter } from '../stores/index.ts';
import type { BrokenStore } from './broken-store.ts';

/** Room for what takes its place between two events. */
const STEP = 1_000;

interface SeveralWriters {
  /** When a transaction takes its place among the positions: with its first write, or with each event. */
  readonly place: 'first-write' | 'each-event';
  /** Whether readers stop in front of transactions that have not ended. */
  readonly stops: boolean;
}

/** A store with several writers, where what is committed late is between what was committed before. */
export function severalWriters({ place, stops }: SeveralWriters): Planted {
  const places = new Map<string, number>();
  const open = new Set<{ at: number }>();
  let late = 0;

  const positionOf = ({ id, position }: EventRow): number => places.get(id) ?? position * STEP;
  const headOf = async (store: Store, scope: string): Promise<number> =>
    (await store.readAll(scope, { after: 0, limit: Infinity })).position * STEP;

  function openWriter(store: Store): OpenWriter {
    const written: (readonly [string, Changes])[] = [];
    const transaction = { at: Infinity };
    open.add(transaction);
    return {
      async write(scope, changes): Promise<CommitOutcome> {
        const head = await headOf(store, scope);
        transaction.at = Math.min(transaction.at, head);
        written.push([scope, changes]);
        for (const { id } of (changes.streams ?? []).flatMap(({ events }) => events))
          places.set(id, (place === 'each-event' ? head : transaction.at) + ++late);
        return { outcome: 'committed', versions: [] };
      },
      async commit() {
        for (const [scope, changes] of written.splice(0)) await store.commit(scope, changes);
        open.delete(transaction);
      },
      async rollback() {
        open.delete(transaction);
      },
    };
  }

  return {
    openWriter,
    wrap: (store) => ({
      ...store,
      async readAll(scope, { after, category, limit }) {
        const { events } = await store.readAll(scope, { after: 0, category, limit: Infinity });
        const upTo = stops ? Math.min(...[...open].map(({ at }) => at)) : Infinity;
        const rows = events
          .map((row) => ({ ...row, position: positionOf(row) }))
          .filter(({ position }) => position > after && position <= upTo)
          .toSorted((one, other) => one.position - other.position)
          .slice(0, limit);
        return { events: rows, position: rows.at(-1)?.position ?? after };
      },
    }),
  };
}

export const skipsTheLate: BrokenStore = {
  name: 'gives what is committed late a place that its readers have passed',
  plant: () => severalWriters({ place: 'each-event', stops: false }),
  caughtBy: ['M13'],
};

export const ordersByBeginning: BrokenStore = {
  name: 'orders events by when their transactions began',
  plant: () => severalWriters({ place: 'first-write', stops: true }),
  caughtBy: ['M14'],
};

/** Does what it should. */
export const severalGoodWriters = (): Planted => severalWriters({ place: 'each-event', stops: true });
