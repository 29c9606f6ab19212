import type { Changes } from '@waggle/messaging';
import { doing, type BrokenStore } from './broken-store.ts';

/** Writes a part of each unit of work on its own, if the rest of it conflicts. */
const keeping = (part: (changes: Changes) => Omit<Changes, 'timeMs'>) =>
  doing((store) => ({
    async commit(scope, changes) {
      const committed = await store.commit(scope, changes);
      if (committed.outcome === 'conflict')
        await store.commit(scope, { timeMs: changes.timeMs, ...part(changes) });
      return committed;
    },
  }));

export const keepsMessagesOfAConflict: BrokenStore = {
  name: 'sends the messages of a unit of work that lost a race',
  plant: keeping(({ outbox = [] }) => ({ outbox })),
  caughtBy: ['M19'],
};

export const notesAConflict: BrokenStore = {
  name: 'notes a message as handled whose effect lost a race',
  plant: keeping(({ inbox }) => ({ inbox })),
  caughtBy: ['M19'],
};

export const keepsDocumentsOfAConflict: BrokenStore = {
  name: 'keeps the documents of a unit of work that lost a race for a stream',
  plant: keeping(({ streams = [], documents = [] }) => (streams.length > 0 ? { documents } : {})),
  caughtBy: ['M19'],
};

export const schedulesAConflict: BrokenStore = {
  name: 'schedules what a unit of work that lost a race wanted scheduled',
  plant: keeping(({ schedule = [] }) => ({ schedule })),
  caughtBy: ['M19'],
};

export const repeatsTheRest: BrokenStore = {
  name: 'sends the messages again when the events of a unit of work are appended again',
  plant: doing((store) => ({
    async commit(scope, changes) {
      const { streams: [write] = [], timeMs, outbox = [] } = changes;
      const rows = write === undefined ? [] : await store.readStream(scope, write.stream, {});
      const isRepeat = rows.some(({ id }) => id === write?.events[0]?.id);
      const committed = await store.commit(scope, changes);
      if (isRepeat && committed.outcome === 'committed') await store.commit(scope, { timeMs, outbox });
      return committed;
    },
  })),
  caughtBy: ['M19'],
};

export const skipsOneOfTwoStreams: BrokenStore = {
  name: 'writes the first stream of a unit of work that has other writes as well',
  plant: doing((store) => ({
    commit: (scope, changes) =>
      store.commit(scope, {
        ...changes,
        streams: (changes.streams ?? []).slice(0, changes.inbox === undefined ? Infinity : 1),
      }),
  })),
  caughtBy: ['M19'],
};
