import { setTimeout as delay } from 'node:timers/promises';
import { doing, RELAYS, type BrokenStore } from './broken-store.ts';

export const readsInAnyOrder: BrokenStore = {
  name: 'reads the outbox newest first',
  plant: doing((store) => ({
    async outbox(options) {
      const { entries, head } = await store.outbox(options);
      return { entries: entries.toReversed(), head };
    },
  })),
  caughtBy: ['L2', 'M9', 'N1', 'N5'],
};

export const mixesPartitions: BrokenStore = {
  name: 'gives a relay what is in the partitions of others',
  plant: doing((store) => ({ outbox: ({ partitions: _, ...options }) => store.outbox(options) })),
  caughtBy: ['N1'],
};

export const removesTheNextToo: BrokenStore = {
  name: 'removes from the outbox the message behind one that was confirmed',
  plant: doing((store) => ({
    removeFromOutbox: (positions) => store.removeFromOutbox([...positions, Math.max(...positions) + 1]),
  })),
  caughtBy: ['N1', 'N5'],
};

export const removesWhatCameBefore: BrokenStore = {
  name: 'removes from the outbox all that came before what was confirmed',
  plant: doing((store) => ({
    removeFromOutbox: (positions) =>
      store.removeFromOutbox(
        Array.from({ length: Math.min(10_000, Math.max(...positions)) }, (_, index) => index + 1),
      ),
  })),
  caughtBy: ['N1'],
};

export const removesNothing: BrokenStore = {
  name: 'does not remove from the outbox',
  plant: doing(() => ({ removeFromOutbox: async () => undefined })),
  caughtBy: ['L2', 'L3', 'L4', 'L5', 'N1', 'N5'],
};

export const handsOutOnce: BrokenStore = {
  name: 'hands each message out to one relay, whatever becomes of that',
  plant() {
    const handedOut = new Set<number>();
    return {
      wrap: (store) => ({
        ...store,
        async outbox(options) {
          const { entries, head } = await store.outbox(options);
          const fresh = entries.filter(({ position }) => !handedOut.has(position));
          if (options.limit === 256) for (const { position } of fresh) handedOut.add(position);
          return { entries: fresh, head };
        },
      }),
    };
  },
  caughtBy: ['N1', 'N2', 'N5'],
};

export const forgetsAtReading: BrokenStore = {
  name: 'removes from the outbox what a relay has read',
  plant: doing((store) => ({
    async outbox(options) {
      const page = await store.outbox(options);
      if (options.limit === 256) await store.removeFromOutbox(page.entries.map(({ position }) => position));
      return page;
    },
  })),
  caughtBy: ['N1', 'N2', 'N5'],
};

export const sharesAreNotCompared: BrokenStore = {
  name: 'lets two relays take the same partitions',
  plant: doing((store) => ({
    commit: (scope, { documents = [], ...rest }) =>
      store.commit(scope, {
        ...rest,
        documents: documents.map((write) =>
          scope === RELAYS ? { ...write, expectedVersion: 'any' } : write,
        ),
      }),
  })),
  caughtBy: ['N1'],
};

export const keepsSharesForTheDead: BrokenStore = {
  name: 'keeps for a process what it has locked until that gives it back',
  plant() {
    let owner: unknown;
    return {
      wrap: (store) => ({
        ...store,
        async commit(scope, changes) {
          if (scope !== RELAYS) return store.commit(scope, changes);
          await delay(10);
          if (owner !== undefined && owner !== store) return { outcome: 'conflict' };
          const isLeft = changes.documents?.some(({ value }) => value?.includes('"members":{}'));
          owner = isLeft === true ? undefined : store;
          return store.commit(scope, changes);
        },
      }),
    };
  },
  caughtBy: ['N2'],
};
