import type { DocumentWrite } from '@waggle/messaging';
import { aTurn, committing, doing, RELAYS, type BrokenStore } from './broken-store.ts';

const unchecked = (ignored: (write: DocumentWrite) => boolean, inScope: (scope: string) => boolean) =>
  committing(({ documents = [], ...rest }, scope) => ({
    ...rest,
    documents: documents.map((write) =>
      inScope(scope) && ignored(write) ? { ...write, expectedVersion: 'any' } : write,
    ),
  }));

export const overwrites: BrokenStore = {
  name: 'overwrites documents, whatever became of them since they were read',
  plant: unchecked(
    () => true,
    (scope) => scope !== RELAYS,
  ),
  caughtBy: ['M17', 'M20'],
};

export const overwritesTheUnread: BrokenStore = {
  name: 'overwrites documents that should not exist',
  plant: unchecked(
    ({ expectedVersion }) => expectedVersion === 0,
    (scope) => scope !== RELAYS,
  ),
  caughtBy: ['M17', 'M20'],
};

export const putsRemovedBack: BrokenStore = {
  name: 'puts a document that was removed meanwhile',
  plant: doing((store) => ({
    async commit(scope, { documents = [], ...rest }) {
      const exist = await Promise.all(
        documents.map(({ collection, id }) => store.get(scope, collection, id)),
      );
      return store.commit(scope, {
        ...rest,
        documents: documents.map((write, index) =>
          exist[index] === undefined ? { ...write, expectedVersion: 'any' } : write,
        ),
      });
    },
  })),
  caughtBy: ['M17', 'M20', 'N1'],
};

export const looksAtDocumentsFirst: BrokenStore = {
  name: 'looks at the versions of documents, and writes later',
  plant: doing((store) => ({
    async commit(scope, changes) {
      const { documents = [] } = changes;
      if (scope === RELAYS || documents.length === 0) return store.commit(scope, changes);
      for (const { collection, id, expectedVersion } of documents) {
        const actual = (await store.get(scope, collection, id))?.version ?? 0;
        if (expectedVersion !== 'any' && actual !== expectedVersion) return { outcome: 'conflict' };
      }
      await aTurn();
      return store.commit(scope, {
        ...changes,
        documents: documents.map((write) => ({ ...write, expectedVersion: 'any' })),
      });
    },
  })),
  caughtBy: ['M17', 'M20'],
};

export const keepsEpochsAsText: BrokenStore = {
  name: 'keeps the numbers of checkpoints as text',
  plant: doing((store) => ({
    async get(scope, collection, id) {
      const document = await store.get(scope, collection, id);
      if (document === undefined || collection !== 'checkpoints') return document;
      return { ...document, value: document.value.replace(/"epoch":(\d+)/, '"epoch":"$1"') };
    },
  })),
  caughtBy: ['M17'],
};

export const keepsRemoved: BrokenStore = {
  name: 'does not remove documents',
  plant: committing(({ documents = [], ...rest }) => ({
    ...rest,
    documents: documents.filter(({ value }) => value !== undefined),
  })),
  caughtBy: ['M20'],
};

export const listsById: BrokenStore = {
  name: 'lists documents in the order of their ids',
  plant: doing((store) => ({
    list: async (scope, collection) =>
      (await store.list(scope, collection)).toSorted((one, other) => (one.id < other.id ? -1 : 1)),
  })),
  caughtBy: ['M20'],
};

export const listsByLastChange: BrokenStore = {
  name: 'lists documents in the order of their last changes',
  plant: doing((store) => ({
    list: async (scope, collection) =>
      (await store.list(scope, collection)).toSorted((one, other) => one.version - other.version),
  })),
  caughtBy: ['M20'],
};
