import { committing, versionOf, type BrokenStore } from './broken-store.ts';

export const beginsAnewWhenTruncated: BrokenStore = {
  name: 'forgets the version of a stream when it is truncated',
  plant() {
    const lives = new Map<string, number>();
    const now = (scope: string, stream: string): string =>
      `${stream}${'+'.repeat(lives.get(`${scope} ${stream}`) ?? 0)}`;
    return {
      wrap: (store) => ({
        ...store,
        readStream: (scope, stream, range) => store.readStream(scope, now(scope, stream), range),
        async commit(scope, { streams = [], ...rest }) {
          const known = streams.map((write) => ({ ...write, stream: now(scope, write.stream) }));
          const committed = await store.commit(scope, { ...rest, streams: known });
          for (const { stream, truncateBefore = 0 } of streams)
            if (truncateBefore > 50)
              lives.set(`${scope} ${stream}`, (lives.get(`${scope} ${stream}`) ?? 0) + 1);
          return committed;
        },
      }),
    };
  },
  caughtBy: ['M16'],
};

export const neverTruncates: BrokenStore = {
  name: 'truncates nothing',
  plant: committing(({ streams = [], ...rest }) => ({
    ...rest,
    streams: streams.map(({ truncateBefore: _, ...write }) => write),
  })),
  caughtBy: ['M16'],
};

export const showsWhatIsTruncated: BrokenStore = {
  name: 'goes on giving what was truncated to who reads all',
  plant() {
    const firsts = new Map<string, number>();
    return {
      wrap: (store) => ({
        ...store,
        async readStream(scope, stream, range) {
          const rows = await store.readStream(scope, stream, range);
          return rows.filter(({ version }) => version >= (firsts.get(stream) ?? 0));
        },
        async commit(scope, { streams = [], ...rest }) {
          for (const { stream, truncateBefore = 0 } of streams) {
            const head = await versionOf(store, scope, stream);
            firsts.set(stream, Math.max(firsts.get(stream) ?? 0, Math.min(head, truncateBefore)));
          }
          return store.commit(scope, {
            ...rest,
            streams: streams.map(({ truncateBefore: _, ...write }) => write),
          });
        },
      }),
    };
  },
  caughtBy: ['M16'],
};

export const freesTheIds: BrokenStore = {
  name: 'has forgotten the ids of what was truncated',
  plant() {
    const forgotten = new Map<string, string>();
    return {
      wrap: (store) => ({
        ...store,
        async commit(scope, { streams = [], ...rest }) {
          for (const { stream, truncateBefore = 0 } of streams)
            for (const { id } of await store.readStream(scope, stream, { to: truncateBefore - 1 || 1 }))
              if (truncateBefore > 1) forgotten.set(id, `${id}-again`);
          const renamed = streams.map((write) => ({
            ...write,
            events: write.events.map((event) => ({ ...event, id: forgotten.get(event.id) ?? event.id })),
          }));
          return store.commit(scope, { ...rest, streams: renamed });
        },
      }),
    };
  },
  caughtBy: ['M8'],
};
