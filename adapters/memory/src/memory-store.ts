import { MessagingError } from '@waggle/kernel';
import type { Changes, OutboxEntry, Store, StoredDocument } from '@waggle/messaging';
import { isolated } from './isolated.ts';

type Collections = Map<string, Map<string, StoredDocument>>;

/** What to write, copied already: from here on nothing can fail. */
interface Prepared {
  readonly documents: readonly (StoredDocument & { readonly collection: string })[];
  readonly outbox: Changes['outbox'];
}

function prepare({ documents, outbox }: Changes): Prepared {
  return {
    documents: documents.map(({ collection, id, value, expectedVersion }) => {
      const copy = isolated(value, `document ${collection}/${id}`);
      return { collection, id, value: copy, version: expectedVersion + 1 };
    }),
    outbox: outbox.map((entry) => isolated(entry, `message ${entry.message.id}`)),
  };
}

/** Entries in the order of commits, found by position without a search. */
class Outbox {
  #entries: (OutboxEntry | undefined)[] = [];
  #first = 1;

  add(added: Changes['outbox']): void {
    for (const entry of added) this.#entries.push({ ...entry, position: this.#first + this.#entries.length });
  }

  after(position: number, limit: number): readonly OutboxEntry[] {
    const found: OutboxEntry[] = [];
    for (let at = Math.max(0, position + 1 - this.#first); at < this.#entries.length; at++) {
      if (found.length >= limit) break;
      const entry = this.#entries[at];
      if (entry !== undefined) found.push(isolated(entry, 'outbox entry'));
    }
    return found;
  }

  remove(positions: readonly number[]): void {
    for (const position of positions) {
      const at = position - this.#first;
      if (at >= 0 && at < this.#entries.length) this.#entries[at] = undefined;
    }
    let gone = 0;
    while (gone < this.#entries.length && this.#entries[gone] === undefined) gone++;
    if (gone < 1024 && gone < this.#entries.length) return; // moving the rest up has its price: not for a few
    this.#entries = this.#entries.slice(gone);
    this.#first += gone;
  }
}

/**
 * Documents, outbox and inbox in this process; gone with it. Closing and opening it again keeps what it holds, so that a
 * test can restart a service. One commit at a time, as of a database that serialises its transactions.
 */
export function createMemoryStore(): Store {
  const scopes = new Map<string, Collections>();
  const inbox = new Map<string, Set<string>>();
  const outbox = new Outbox();
  const listeners = new Set<() => void>();
  let status: 'new' | 'open' | 'closed' = 'new';

  const demandOpen = (): void => {
    if (status === 'open') return;
    throw new MessagingError(
      'closed',
      `[memory] the store is ${status === 'new' ? 'not open yet' : 'closed'}`,
    );
  };
  const documents = (scope: string, collection: string): Map<string, StoredDocument> => {
    const collections = scopes.get(scope) ?? new Map<string, Map<string, StoredDocument>>();
    scopes.set(scope, collections);
    const found = collections.get(collection) ?? new Map<string, StoredDocument>();
    collections.set(collection, found);
    return found;
  };
  const isCurrent = (scope: string, changes: Changes): boolean => {
    const written = new Set<string>();
    return changes.documents.every(({ collection, id, expectedVersion }) => {
      const key = JSON.stringify([collection, id]);
      const twice = written.has(key);
      written.add(key);
      return !twice && (documents(scope, collection).get(id)?.version ?? 0) === expectedVersion;
    });
  };
  const handled = (consumer: string, messageId: string): boolean =>
    inbox.get(consumer)?.has(messageId) === true;
  const remember = ({ consumer, messageId }: NonNullable<Changes['inbox']>): void => {
    const ids = inbox.get(consumer) ?? new Set<string>();
    inbox.set(consumer, ids.add(messageId));
  };

  return {
    async open() {
      status = 'open';
    },
    async check() {
      demandOpen();
    },
    async get(scope, collection, id) {
      demandOpen();
      const found = documents(scope, collection).get(id);
      return found && isolated(found, id);
    },
    async list(scope, collection) {
      demandOpen();
      return [...documents(scope, collection).values()].map((document) => isolated(document, document.id));
    },
    async handled(consumer, messageId) {
      demandOpen();
      return handled(consumer, messageId);
    },
    async commit(scope, changes) {
      demandOpen();
      const { inbox: received } = changes;
      const prepared = prepare(changes);
      if (received !== undefined && handled(received.consumer, received.messageId)) return 'duplicate';
      if (!isCurrent(scope, changes)) return 'conflict';
      for (const { collection, ...document } of prepared.documents) {
        documents(scope, collection).set(document.id, document);
      }
      outbox.add(prepared.outbox);
      if (received !== undefined) remember(received);
      if (prepared.outbox.length > 0) for (const wake of listeners) queueMicrotask(wake);
      return 'committed';
    },
    async outbox(after, limit) {
      demandOpen();
      return outbox.after(after, limit);
    },
    async removeFromOutbox(positions) {
      demandOpen();
      outbox.remove(positions);
    },
    onOutbox(wake) {
      const listener = (): void => wake();
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    async close() {
      status = 'closed';
    },
  };
}
