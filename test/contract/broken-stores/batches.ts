import { randomUUID } from 'node:crypto';
import { MessagingError } from '@waggle/kernel';
import type { Changes } from '@waggle/messaging';
import { aTurn, committing, doing, versionOf, type BrokenStore } from './broken-store.ts';

const withNewIds = ({ streams = [], ...rest }: Changes): Changes => ({
  ...rest,
  streams: streams.map((write) => ({
    ...write,
    events: write.events.map((event) => ({ ...event, id: randomUUID() })),
  })),
});

export const comesApart: BrokenStore = {
  name: 'writes the events of an append to Any one by one',
  plant: doing((store) => ({
    async commit(scope, changes) {
      const [write, another] = changes.streams ?? [];
      if (write?.expected !== 'any' || another !== undefined) return store.commit(scope, changes);
      const first = await store.commit(scope, {
        ...changes,
        streams: [{ ...write, events: write.events.slice(0, 1) }],
      });
      let last = first;
      for (const event of write.events.slice(1)) {
        if (first.outcome !== 'committed') break;
        await aTurn();
        const streams = [{ stream: write.stream, expected: 'any' as const, events: [event] }];
        last = await store.commit(scope, { timeMs: changes.timeMs, streams });
      }
      return last;
    },
  })),
  caughtBy: ['M5'],
};

export const keepsHalf: BrokenStore = {
  name: 'keeps what it has written of a batch when a later stream conflicts',
  plant: doing((store) => ({
    async commit(scope, changes) {
      const committed = await store.commit(scope, changes);
      if (committed.outcome === 'conflict' && (committed.stream?.index ?? 0) > 0) {
        const { timeMs, streams = [] } = changes;
        await store.commit(scope, { timeMs, streams: streams.slice(0, committed.stream?.index) });
      }
      return committed;
    },
  })),
  caughtBy: ['M19', 'M3', 'M7'],
};

export const losesTheEndOfALongBatch: BrokenStore = {
  name: 'writes the first hundred events of an append',
  plant: committing(({ streams = [], ...rest }) => ({
    ...rest,
    streams: streams.map((write) => ({ ...write, events: write.events.slice(0, 100) })),
  })),
  caughtBy: ['M7'],
};

export const locksAsTheyCome: BrokenStore = {
  name: 'locks streams in the order in which they come',
  plant() {
    const locks = new Map<string, Promise<void>>();
    return {
      wrap: (store) => ({
        ...store,
        async commit(scope, changes) {
          const unlock: (() => void)[] = [];
          for (const stream of new Set((changes.streams ?? []).map((write) => `${scope} ${write.stream}`))) {
            while (locks.has(stream)) await locks.get(stream);
            const { promise, resolve } = Promise.withResolvers<void>();
            locks.set(stream, promise);
            unlock.push(() => {
              locks.delete(stream);
              resolve();
            });
            await aTurn();
          }
          return store.commit(scope, changes).finally(() => unlock.forEach((each) => each()));
        },
      }),
    };
  },
  caughtBy: ['M7'],
};

export const appendsAgain: BrokenStore = {
  name: 'appends what is appended again a second time, under new ids',
  plant: committing(withNewIds),
  caughtBy: ['M19', 'M8', 'M9'],
};

export const takesTakenIds: BrokenStore = {
  name: 'accepts an id that another event has',
  plant: doing((store) => ({
    commit: (scope, changes) =>
      store.commit(scope, changes).catch((error: unknown) => {
        if (error instanceof MessagingError && error.code === 'invalid')
          return store.commit(scope, withNewIds(changes));
        throw error;
      }),
  })),
  caughtBy: ['M8'],
};

export const checksARepeat: BrokenStore = {
  name: 'fails an append that is made again because the version has changed since',
  plant() {
    return {
      wrap: (store) => ({
        ...store,
        async commit(scope, changes) {
          for (const [index, { stream, expected, events }] of (changes.streams ?? []).entries()) {
            const actual = await versionOf(store, scope, stream);
            if (typeof expected === 'number' && events.length > 0 && expected < actual)
              return { outcome: 'conflict', stream: { index, actual } };
          }
          return store.commit(scope, changes);
        },
      }),
    };
  },
  caughtBy: ['M19', 'M8'],
};
