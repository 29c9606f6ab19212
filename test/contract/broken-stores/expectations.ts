import type { ExpectedVersion } from '@waggle/kernel';
import type { StreamWrite } from '@waggle/messaging';
import { aTurn, committing, doing, versionOf, type BrokenStore } from './broken-store.ts';

const isExact = (expected: ExpectedVersion): boolean => typeof expected === 'number';

const asAny = (ignored: (write: StreamWrite) => boolean) =>
  committing(({ streams = [], ...rest }) => ({
    ...rest,
    streams: streams.map((write) => (ignored(write) ? { ...write, expected: 'any' } : write)),
  }));

/** Looks whether an expectation holds, and writes some time later, whatever has happened since. */
const looksFirst = (careless: (expected: ExpectedVersion) => boolean) =>
  doing((store) => ({
    async commit(scope, changes) {
      const { streams = [] } = changes;
      const [write] = streams;
      if (write === undefined || streams.length > 1 || !careless(write.expected))
        return store.commit(scope, changes);
      const actual = await versionOf(store, scope, write.stream);
      const expected = write.expected === 'no-stream' ? 0 : write.expected;
      await aTurn();
      return store.commit(scope, {
        ...changes,
        streams: [{ ...write, expected: actual === expected ? 'any' : write.expected }],
      });
    },
  }));

export const ignoresExact: BrokenStore = {
  name: 'appends whatever version was expected',
  plant: asAny(({ expected }) => isExact(expected)),
  caughtBy: ['M1', 'M3', 'M4', 'M7'],
};

export const ignoresNoStream: BrokenStore = {
  name: 'appends to a stream that should not exist',
  plant: asAny(({ expected }) => expected === 'no-stream'),
  caughtBy: ['M16', 'M19', 'M2', 'M3', 'M6'],
};

export const ignoresStreamExists: BrokenStore = {
  name: 'appends to a stream that should exist and does not',
  plant: asAny(({ expected }) => expected === 'stream-exists'),
  caughtBy: ['M1', 'M2', 'M3'],
};

export const forgetsTheFirst: BrokenStore = {
  name: 'takes a stream of one event for none',
  plant: doing((store) => ({
    async commit(scope, changes) {
      for (const [index, { stream, expected }] of (changes.streams ?? []).entries())
        if (expected === 'stream-exists' && (await versionOf(store, scope, stream)) === 1)
          return { outcome: 'conflict', stream: { index, actual: 0 } };
      return store.commit(scope, changes);
    },
  })),
  caughtBy: ['M2'],
};

export const checksNothingForNothing: BrokenStore = {
  name: 'lets an append of nothing pass, whatever was expected',
  plant: asAny(({ events, truncateBefore }) => events.length === 0 && truncateBefore === undefined),
  caughtBy: ['M1'],
};

export const hidesWhatIs: BrokenStore = {
  name: 'does not say which version the stream has',
  plant: doing((store) => ({
    async commit(scope, changes) {
      const committed = await store.commit(scope, changes);
      if (committed.outcome !== 'conflict' || committed.stream === undefined) return committed;
      return { ...committed, stream: { ...committed.stream, actual: 0 } };
    },
  })),
  caughtBy: ['M3'],
};

export const blamesTheFirst: BrokenStore = {
  name: 'names the first stream of a batch, whichever was the reason',
  plant: doing((store) => ({
    async commit(scope, changes) {
      const committed = await store.commit(scope, changes);
      if (committed.outcome !== 'conflict' || committed.stream === undefined) return committed;
      return { ...committed, stream: { ...committed.stream, index: 0 } };
    },
  })),
  caughtBy: ['M3'],
};

export const looksBeforeItWrites: BrokenStore = {
  name: 'looks at the version of a stream, and writes later',
  plant: looksFirst(isExact),
  caughtBy: ['M4'],
};

export const looksBeforeItBegins: BrokenStore = {
  name: 'looks whether there is a stream, and begins it later',
  plant: looksFirst((expected) => expected === 'no-stream'),
  caughtBy: ['M6'],
};

export const failsWhenOthersWrite: BrokenStore = {
  name: 'gives up an append to Any when somebody else was faster',
  plant: doing((store) => ({
    async commit(scope, changes) {
      const streams = await Promise.all(
        (changes.streams ?? []).map(async (write) =>
          write.expected === 'any' && write.events.length > 0
            ? { ...write, expected: await versionOf(store, scope, write.stream) }
            : write,
        ),
      );
      return store.commit(scope, { ...changes, streams });
    },
  })),
  caughtBy: ['M12', 'M13', 'M14', 'M5', 'M7'],
};
