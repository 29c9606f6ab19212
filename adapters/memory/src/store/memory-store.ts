import { MessagingError } from '@waggle/kernel';
import type { Added, Changes, Store, StoredDocument } from '@waggle/messaging';
import { addedBy } from '@waggle/messaging';
import { MemoryOutbox } from './memory-outbox.ts';
import { MemoryStreams } from './memory-streams.ts';

interface Noted {
  handled: boolean;
  started: number;
  failed: number;
  timeMs: number;
}

/** What stores in this process keep: what a database is to the others. It outlives them. */
export interface MemoryDatabase {
  readonly collections: Map<string, Map<string, StoredDocument>>;
  /** The last version that a document got. */
  readonly documents: { version: number };
  readonly streams: MemoryStreams;
  readonly outbox: MemoryOutbox;
  readonly inbox: Map<string, Map<string, Noted>>;
  readonly listeners: Set<(added: Added) => void>;
}

export function createMemoryDatabase(): MemoryDatabase {
  return {
    collections: new Map(),
    documents: { version: 0 },
    streams: new MemoryStreams(),
    outbox: new MemoryOutbox(),
    inbox: new Map(),
    listeners: new Set(),
  };
}

/**
 * Everything in this process; gone with it. Several stores may share a database, as several hosts would. One commit at a
 * time, as of a database that serialises its transactions.
 */
export function createMemoryStore(database: MemoryDatabase = createMemoryDatabase()): Store {
  const { streams, outbox, listeners } = database;
  let status: 'new' | 'open' | 'closed' = 'new';

  const demandOpen = (): void => {
    if (status === 'open') return;
    throw new MessagingError(
      'closed',
      `[memory] the store is ${status === 'new' ? 'not open yet' : 'closed'}`,
    );
  };

  function collection(scope: string, name: string): Map<string, StoredDocument> {
    const key = JSON.stringify([scope, name]);
    const found = database.collections.get(key) ?? new Map<string, StoredDocument>();
    database.collections.set(key, found);
    return found;
  }

  function noted(consumer: string, messageId: string): Noted {
    const ofConsumer = database.inbox.get(consumer) ?? new Map<string, Noted>();
    database.inbox.set(consumer, ofConsumer);
    const found = ofConsumer.get(messageId) ?? { handled: false, started: 0, failed: 0, timeMs: 0 };
    ofConsumer.set(messageId, found);
    return found;
  }

  const isHandled = (consumer: string, messageId: string): boolean =>
    database.inbox.get(consumer)?.get(messageId)?.handled === true;

  function isCurrent(scope: string, documents: Changes['documents'] = []): boolean {
    const written = new Set<string>();
    return documents.every(({ collection: name, id, expectedVersion }) => {
      const key = JSON.stringify([name, id]);
      const twice = written.has(key);
      written.add(key);
      const actual = collection(scope, name).get(id)?.version ?? 0;
      return !twice && (expectedVersion === 'any' || actual === expectedVersion);
    });
  }

  function write(scope: string, { documents = [], outbox: messages = [], ...changes }: Changes): void {
    const { timeMs, streams: appends = [], schedule = [], inbox } = changes;
    for (const { collection: name, id, value } of documents) {
      const all = collection(scope, name);
      const version = ++database.documents.version;
      if (value === undefined) all.delete(id);
      else all.set(id, Object.freeze({ id, value, version }));
    }
    streams.write(scope, appends, timeMs);
    outbox.add(messages);
    for (const change of schedule) outbox.schedule(scope, change);
    if (inbox !== undefined) Object.assign(noted(inbox.consumer, inbox.messageId), { handled: true, timeMs });
  }

  function tell(added: Added): void {
    for (const wake of listeners) queueMicrotask(() => wake(added));
  }

  return {
    async open() {
      status = 'open';
    },
    async check() {
      demandOpen();
    },
    async close() {
      status = 'closed';
    },
    async get(scope, name, id) {
      demandOpen();
      return collection(scope, name).get(id);
    },
    async list(scope, name) {
      demandOpen();
      return [...collection(scope, name).values()];
    },
    async readStream(scope, stream, range) {
      demandOpen();
      return streams.read(scope, stream, range);
    },
    async readAll(scope, { after, category, limit }) {
      demandOpen();
      return streams.readAll(scope, after, category, limit);
    },
    async commit(scope, changes) {
      demandOpen();
      const { inbox, streams: appends = [], documents } = changes;
      if (inbox !== undefined && isHandled(inbox.consumer, inbox.messageId)) return { outcome: 'duplicate' };
      const verdicts = streams.judge(scope, appends);
      const index = verdicts.findIndex((verdict) => typeof verdict === 'object');
      const lost = verdicts[index];
      if (typeof lost === 'object') return { outcome: 'conflict', stream: { index, actual: lost.actual } };
      if (!isCurrent(scope, documents)) return { outcome: 'conflict' };
      if (!verdicts.includes('repeat')) {
        write(scope, changes);
        for (const added of addedBy(changes)) tell(added);
      }
      return {
        outcome: 'committed',
        versions: appends.map(({ stream }) => streams.versionOf(scope, stream)),
      };
    },
    async handled(consumer, messageId) {
      demandOpen();
      return isHandled(consumer, messageId);
    },
    async startHandling(consumer, messageId, timeMs) {
      demandOpen();
      const note = noted(consumer, messageId);
      note.started += 1;
      note.timeMs = timeMs;
      const { handled, started, failed } = note;
      return { handled, started, failed };
    },
    async failHandling(consumer, messageId, timeMs) {
      demandOpen();
      const note = noted(consumer, messageId);
      note.failed += 1;
      note.timeMs = timeMs;
    },
    async forgetHandled(beforeMs) {
      demandOpen();
      for (const ofConsumer of database.inbox.values())
        for (const [id, { timeMs }] of ofConsumer) if (timeMs < beforeMs) ofConsumer.delete(id);
    },
    async outbox({ after, limit, partitions }) {
      demandOpen();
      return { entries: outbox.read(after, limit, partitions), head: outbox.head };
    },
    async removeFromOutbox(positions) {
      demandOpen();
      outbox.remove(positions);
    },
    async releaseDue(nowMs, limit) {
      demandOpen();
      const { released, nextMs } = outbox.releaseDue(nowMs, limit);
      if (released > 0) tell('outbox');
      return { nextMs };
    },
    onCommit(wake) {
      const listener = (added: Added): void => wake(added);
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
