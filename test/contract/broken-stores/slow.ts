import { committing, doing, type BrokenStore } from './broken-store.ts';

/** As long as a store takes that looks at each of so many rows. */
function lookAt(rows: number): void {
  const untilMs = performance.now() + rows * 0.003;
  while (performance.now() < untilMs);
}

export const readsTheWholeOutbox: BrokenStore = {
  name: 'looks at the whole outbox for a part of it',
  plant: doing((store) => ({
    async outbox(options) {
      lookAt((await store.outbox({ after: 0, limit: Infinity })).entries.length);
      return store.outbox(options);
    },
  })),
  caughtBy: ['N4'],
};

export const searchesTheOutboxToRemove: BrokenStore = {
  name: 'looks at the whole outbox to remove from it',
  plant: doing((store) => ({
    async removeFromOutbox(positions) {
      lookAt((await store.outbox({ after: 0, limit: Infinity })).entries.length);
      await store.removeFromOutbox(positions);
    },
  })),
  caughtBy: ['N4'],
};

export const searchesTheInbox: BrokenStore = {
  name: 'looks through the whole inbox for one message',
  plant() {
    let rows = 0;
    return {
      wrap: (store) => ({
        ...store,
        async handled(...args) {
          lookAt(rows * 4);
          return store.handled(...args);
        },
        async commit(scope, changes) {
          if (changes.inbox !== undefined) rows++;
          return store.commit(scope, changes);
        },
      }),
    };
  },
  caughtBy: ['N4'],
};

export const searchesTheInboxToAdd: BrokenStore = {
  name: 'looks through the whole inbox to add to it',
  plant() {
    let rows = 0;
    return committing((changes) => {
      const { inbox, outbox = [] } = changes;
      if (inbox !== undefined) rows++;
      if (inbox !== undefined && outbox.length > 0) lookAt(rows * 4); // not while thousands are put in by a test
      return changes;
    })();
  },
  caughtBy: ['N4'],
};
