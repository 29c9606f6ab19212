import { MessagingError } from '@waggle/kernel';
import type { EventWrite } from '@waggle/messaging';
import { committing, doing, type BrokenStore } from './broken-store.ts';

const changingEvents = (change: (event: EventWrite) => EventWrite) =>
  committing(({ streams = [], ...rest }) => ({
    ...rest,
    streams: streams.map((write) => ({ ...write, events: write.events.map(change) })),
  }));

const looksTheSame = (name: string): string => name.normalize('NFC');

const LARGEST = 500_000;

export const losesNul: BrokenStore = {
  name: 'keeps text without the character NUL',
  plant: changingEvents((event) => ({ ...event, data: event.data.replaceAll('\\u0000', '') })),
  caughtBy: ['M9'],
};

export const losesNulOfDocuments: BrokenStore = {
  name: 'keeps documents without the character NUL',
  plant: committing(({ documents = [], ...rest }) => ({
    ...rest,
    documents: documents.map((write) => ({ ...write, value: write.value?.replaceAll('\\u0000', '') })),
  })),
  caughtBy: ['M9'],
};

export const roundsNumbers: BrokenStore = {
  name: 'keeps numbers in 32 bits',
  plant: changingEvents((event) => ({
    ...event,
    data: JSON.stringify(JSON.parse(event.data), (_, value: unknown) =>
      typeof value === 'number' ? Math.fround(value) : value,
    ),
  })),
  caughtBy: ['M9'],
};

export const keepsLatin: BrokenStore = {
  name: 'keeps text in Latin-1',
  plant: changingEvents((event) => ({
    ...event,
    data: Buffer.from(event.data, 'latin1').toString('latin1'),
  })),
  caughtBy: ['M9'],
};

export const dropsMetadata: BrokenStore = {
  name: 'drops metadata',
  plant: changingEvents((event) => ({ ...event, metadata: '{}' })),
  caughtBy: ['M9'],
};

export const normalisesStreams: BrokenStore = {
  name: 'takes streams for one whose names only look the same',
  plant: doing((store) => ({
    readStream: (scope, stream, range) => store.readStream(scope, looksTheSame(stream), range),
    commit: (scope, { streams = [], ...rest }) =>
      store.commit(scope, {
        ...rest,
        streams: streams.map((write) => ({ ...write, stream: looksTheSame(write.stream) })),
      }),
  })),
  caughtBy: ['M9'],
};

export const normalisesDocuments: BrokenStore = {
  name: 'takes documents for one whose collections only look the same',
  plant: doing((store) => ({
    get: (scope, collection, id) => store.get(scope, looksTheSame(collection), id),
    list: (scope, collection) => store.list(scope, looksTheSame(collection)),
    commit: (scope, { documents = [], ...rest }) =>
      store.commit(scope, {
        ...rest,
        documents: documents.map((write) => ({ ...write, collection: looksTheSame(write.collection) })),
      }),
  })),
  caughtBy: ['M9'],
};

export const trimsKeys: BrokenStore = {
  name: 'keeps the keys of messages without their spaces',
  plant: committing(({ outbox = [], ...rest }) => ({
    ...rest,
    outbox: outbox.map((message) => ({ ...message, key: message.key?.trim() })),
  })),
  caughtBy: ['M9'],
};

export const refusesLarge: BrokenStore = {
  name: 'refuses what is large',
  plant: changingEvents((event) => {
    if (event.data.length > LARGEST) throw new MessagingError('invalid', 'too large');
    return event;
  }),
  caughtBy: ['M9'],
};

export const cutsLargeDocuments: BrokenStore = {
  name: 'forgets a document that is large',
  plant: committing(({ documents = [], ...rest }) => ({
    ...rest,
    documents: documents.filter(({ value }) => (value?.length ?? 0) < LARGEST),
  })),
  caughtBy: ['M9'],
};

export const roundsTimes: BrokenStore = {
  name: 'keeps times in whole seconds',
  plant: doing((store) => ({
    async readStream(...args) {
      const rows = await store.readStream(...args);
      return rows.map((row) => ({ ...row, timeMs: Math.floor(row.timeMs / 1000) * 1000 }));
    },
  })),
  caughtBy: ['M9'],
};

export const forgetsTheShape: BrokenStore = {
  name: 'does not keep which shape an event has',
  plant: changingEvents((event) => ({ ...event, schemaVersion: 1 })),
  caughtBy: ['M18'],
};
