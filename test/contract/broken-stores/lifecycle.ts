import type { Added } from '@waggle/messaging';
import { doing, type BrokenStore } from './broken-store.ts';

export const losesAllAtClose: BrokenStore = {
  name: 'has lost everything when it is opened again',
  plant: () => ({
    wrap(store) {
      let lives = 0;
      const now = (scope: string): string => `${scope}${'+'.repeat(lives)}`;
      return {
        ...store,
        async close() {
          lives++;
          await store.close();
        },
        readStream: (scope, stream, range) => store.readStream(now(scope), stream, range),
        commit: (scope, changes) => store.commit(now(scope), changes),
      };
    },
  }),
  caughtBy: ['M21'],
};

export const answersBeforeItIsOpen: BrokenStore = {
  name: 'answers before it is open',
  plant: () => ({
    wrap(store) {
      let wasOpened = false;
      return {
        ...store,
        async open() {
          wasOpened = true;
          await store.open();
        },
        handled: async (consumer, messageId) => wasOpened && store.handled(consumer, messageId),
      };
    },
  }),
  caughtBy: ['M21'],
};

export const answersWhenClosed: BrokenStore = {
  name: 'takes appends when it is closed',
  plant: () => ({
    wrap(store) {
      let status = 'new';
      return {
        ...store,
        async open() {
          status = 'open';
          await store.open();
        },
        async close() {
          if (status === 'open') status = 'closed';
          await store.close();
        },
        async commit(scope, changes) {
          if (status === 'closed') return { outcome: 'committed', versions: [] };
          return store.commit(scope, changes);
        },
      };
    },
  }),
  caughtBy: ['M21'],
};

export const closesOnce: BrokenStore = {
  name: 'fails when it is closed while it is being closed',
  plant: () => ({
    wrap(store) {
      let isClosing = false;
      return {
        ...store,
        async close() {
          if (isClosing) throw new TypeError('cannot read properties of undefined');
          isClosing = true;
          await store.close();
          isClosing = false;
        },
      };
    },
  }),
  caughtBy: ['M21'],
};

const hearing = (isHeard: (added: Added) => boolean) =>
  doing((store) => ({
    onCommit: (wake) => store.onCommit((added) => isHeard(added) && wake(added)),
  }));

export const wakesNobody: BrokenStore = {
  name: 'wakes nobody',
  plant: hearing(() => false),
  caughtBy: ['L2', 'L3', 'L4', 'L5', 'M22'],
};

export const saysNothingOfMessages: BrokenStore = {
  name: 'does not tell of messages',
  plant: hearing((added) => added !== 'outbox'),
  caughtBy: ['M22'],
};

export const wakesItselfAlone: BrokenStore = {
  name: 'wakes those alone who listen where something was committed',
  plant: () => ({
    wrap(store) {
      const listeners = new Set<(added: Added) => void>();
      return {
        ...store,
        async commit(scope, changes) {
          const stop = store.onCommit((added) => listeners.forEach((wake) => wake(added)));
          const committed = await store.commit(scope, changes);
          setImmediate(stop);
          return committed;
        },
        onCommit(wake) {
          listeners.add(wake);
          return () => void listeners.delete(wake);
        },
      };
    },
  }),
  caughtBy: ['M22'],
};

export const wakesWhoHasGone: BrokenStore = {
  name: 'goes on calling who no longer listens',
  plant: doing((store) => ({
    onCommit(wake) {
      store.onCommit(wake);
      return () => undefined;
    },
  })),
  caughtBy: ['M22'],
};
