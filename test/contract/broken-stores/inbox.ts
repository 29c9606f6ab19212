import { committing, doing, type BrokenStore } from './broken-store.ts';

export const knowsMessagesAlone: BrokenStore = {
  name: 'notes which message was handled, not by whom',
  plant: doing((store) => ({
    handled: (_, messageId) => store.handled('anybody', messageId),
    startHandling: (_, ...rest) => store.startHandling('anybody', ...rest),
    failHandling: (_, ...rest) => store.failHandling('anybody', ...rest),
    commit: (scope, { inbox, ...rest }) =>
      store.commit(scope, { ...rest, inbox: inbox && { ...inbox, consumer: 'anybody' } }),
  })),
  caughtBy: ['N3'],
};

export const knowsConsumersAlone: BrokenStore = {
  name: 'takes every message for handled once one was',
  plant: doing((store) => ({
    handled: (consumer) => store.handled(consumer, 'any'),
    commit: (scope, { inbox, ...rest }) =>
      store.commit(scope, { ...rest, inbox: inbox && { ...inbox, messageId: 'any' } }),
  })),
  caughtBy: ['M19', 'N3', 'N6', 'N7'],
};

export const forgetsWhatItHandled: BrokenStore = {
  name: 'does not note what was handled',
  plant: committing(({ inbox: _, ...rest }) => rest),
  caughtBy: ['M19', 'N3', 'N6', 'N7'],
};

export const asksBeforehandAlone: BrokenStore = {
  name: 'commits the effect of a message that another process has handled meanwhile',
  plant: doing((store) => ({
    async commit(scope, changes) {
      const committed = await store.commit(scope, changes);
      if (committed.outcome !== 'duplicate') return committed;
      return store.commit(scope, { ...changes, inbox: undefined });
    },
  })),
  caughtBy: ['M19', 'N7'],
};

export const countsNoBeginnings: BrokenStore = {
  name: 'does not count the handlings that begin',
  plant: doing((store) => ({
    async startHandling(...args) {
      return { ...(await store.startHandling(...args)), started: 1 };
    },
  })),
  caughtBy: ['N6'],
};

export const countsNoFailures: BrokenStore = {
  name: 'does not count the handlings that fail',
  plant: doing(() => ({ failHandling: async () => undefined })),
  caughtBy: ['N6'],
};

export const startsAnew: BrokenStore = {
  name: 'does not say that a message that begins again was handled',
  plant: doing((store) => ({
    async startHandling(...args) {
      return { ...(await store.startHandling(...args)), handled: false };
    },
  })),
  caughtBy: ['N6'],
};

export const forgetsEverything: BrokenStore = {
  name: 'forgets all that was handled, not only what is old',
  plant: doing((store) => ({ forgetHandled: () => store.forgetHandled(Infinity) })),
  caughtBy: ['N7'],
};

export const forgetsOneTooMany: BrokenStore = {
  name: 'forgets what was handled just then',
  plant: doing((store) => ({ forgetHandled: (beforeMs) => store.forgetHandled(beforeMs + 1) })),
  caughtBy: ['N7'],
};

export const forgetsNothing: BrokenStore = {
  name: 'never forgets what was handled',
  plant: doing(() => ({ forgetHandled: async () => undefined })),
  caughtBy: ['N7'],
};
