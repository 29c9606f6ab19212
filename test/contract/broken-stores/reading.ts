import type { EventRow } from '@waggle/messaging';
import { doing, RELAYS, type BrokenStore } from './broken-store.ts';

export const readsPastTo: BrokenStore = {
  name: 'reads a stream to its end, wherever it should stop',
  plant: doing((store) => ({
    readStream: (scope, stream, { to: _, ...range }) => store.readStream(scope, stream, range),
  })),
  caughtBy: ['M10'],
};

export const readsPastTheLimit: BrokenStore = {
  name: 'reads more events of a stream than were wanted',
  plant: doing((store) => ({
    readStream: (scope, stream, { limit: _, ...range }) => store.readStream(scope, stream, range),
  })),
  caughtBy: ['M10'],
};

export const readsForwards: BrokenStore = {
  name: 'reads forwards in either direction',
  plant: doing((store) => ({
    readStream: (scope, stream, { backwards: _, ...range }) => store.readStream(scope, stream, range),
  })),
  caughtBy: ['M10', 'M18'],
};

export const beginsTooLate: BrokenStore = {
  name: 'begins to read behind the version that it should begin with',
  plant: doing((store) => ({
    readStream: (scope, stream, { from, ...range }) =>
      store.readStream(scope, stream, from === undefined ? range : { ...range, from: from + 1 }),
  })),
  caughtBy: ['M10', 'M23'],
};

export const failsPastTheHead: BrokenStore = {
  name: 'begins at the head when it is told to begin behind it',
  plant: doing((store) => ({
    async readStream(scope, stream, range) {
      const rows = await store.readStream(scope, stream, range);
      if (rows.length > 0 || range.from === undefined || range.to !== undefined) return rows;
      return store.readStream(scope, stream, { backwards: true, limit: 1 });
    },
  })),
  caughtBy: ['M10'],
};

export const takesCategoriesForBeginnings: BrokenStore = {
  name: 'takes a category for the beginning of a name',
  plant: doing((store) => ({
    async readAll(scope, { after, category, limit }) {
      if (category === undefined) return store.readAll(scope, { after, limit });
      const { events, position } = await store.readAll(scope, { after, limit: Infinity });
      const page = events.filter(({ stream }) => stream.startsWith(category)).slice(0, limit);
      return { events: page, position: page.length < limit ? position : (page.at(-1)?.position ?? after) };
    },
  })),
  caughtBy: ['M11'],
};

export const sharesDocuments: BrokenStore = {
  name: 'shares the documents of one service with another',
  plant: doing((store) => ({
    get: (scope, ...rest) => store.get(scope === 'elsewhere' ? 'testing' : scope, ...rest),
    commit: (scope, { documents = [], ...rest }) =>
      store.commit(scope === 'elsewhere' && documents.length > 0 ? 'testing' : scope, { ...rest, documents }),
  })),
  caughtBy: ['M11'],
};

export const sharesEvents: BrokenStore = {
  name: 'reads the events of all services',
  plant: doing((store) => ({
    commit: (scope, { streams = [], ...rest }) =>
      store.commit(scope === RELAYS || streams.length === 0 ? scope : 'testing', { ...rest, streams }),
    readAll: (_, options) => store.readAll('testing', options),
    readStream: (_, ...rest) => store.readStream('testing', ...rest),
  })),
  caughtBy: ['M11'],
};

export const goesTooFar: BrokenStore = {
  name: 'goes on one event too far behind a page',
  plant: doing((store) => ({
    async readAll(scope, options) {
      const { events, position } = await store.readAll(scope, options);
      return { events, position: position + 1 };
    },
  })),
  caughtBy: ['M12', 'M13', 'M14', 'M15', 'M22'],
};

export const goesBack: BrokenStore = {
  name: 'goes on with the last event of a page',
  plant: doing((store) => ({
    async readAll(scope, options) {
      const { events, position } = await store.readAll(scope, options);
      return { events, position: events.length < options.limit ? position : position - 1 };
    },
  })),
  caughtBy: ['M12', 'M13', 'M14', 'M15'],
};

export const numbersCommits: BrokenStore = {
  name: 'has one position for all events of a commit',
  plant: doing((store) => ({
    async readAll(scope, options) {
      const { events, position } = await store.readAll(scope, options);
      const ofCommit = ({ stream, version, position: own }: EventRow): number =>
        version % 2 === 0 && stream.startsWith('invoice-') ? own : own + (version % 2);
      return { position, events: events.map((row) => ({ ...row, position: ofCommit(row) })) };
    },
  })),
  caughtBy: ['M12'],
};

export const turnsAPageRound: BrokenStore = {
  name: 'gives the events of a page newest first',
  plant: doing((store) => ({
    async readAll(scope, options) {
      const { events, position } = await store.readAll(scope, options);
      return { position, events: events.toReversed() };
    },
  })),
  caughtBy: ['M11', 'M12', 'M13', 'M14', 'M15', 'M16', 'M18'],
};

export const takesStreamsForOne: BrokenStore = {
  name: 'takes streams for one whose names have the same hash',
  plant: doing((store) => ({
    async readAll(scope, options) {
      const { events, position } = await store.readAll(scope, options);
      const sumOf = (name: string): number =>
        name.split('').reduce((sum, each) => sum + each.charCodeAt(0), 0);
      const names = new Map<number, string>();
      for (const { stream } of (await store.readAll(scope, { after: 0, limit: 1_000 })).events)
        if (!names.has(sumOf(stream))) names.set(sumOf(stream), stream);
      const named = (stream: string): string => names.get(sumOf(stream)) ?? stream;
      return { position, events: events.map((row) => ({ ...row, stream: named(row.stream) })) };
    },
  })),
  caughtBy: ['M15'],
};
