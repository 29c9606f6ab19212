import type { Clock, CloudEvent, Collection, Ids, NewMessage, Transaction, UnitOfWork } from '@waggle/kernel';
import { MessagingError } from '@waggle/kernel';
import { currentMessageContext } from './message-context.ts';
import type { Publisher } from './publisher.ts';
import type { Changes, DocumentWrite, OutboxMessage, Store } from './store.ts';
import { childTraceparent } from './trace-context.ts';

const TRIES = 10;

export interface UnitOfWorkOptions {
  readonly store: Store;
  /** Checks what leaves before it is committed: what no broker would take must not wait in an outbox for ever. */
  readonly publisher: Pick<Publisher, 'check'>;
  /** Its name is the `source` of its messages and the scope of its documents. */
  readonly service: string;
  readonly clock: Clock;
  readonly ids: Ids;
}

/** A unit of work that can also remember which message it is the effect of. */
export interface InboxUnitOfWork extends UnitOfWork {
  /**
   * Like `run`, once for each (consumer, message id): the second time nothing runs, or nothing is committed.
   * Nothing is committed either once `signal` has aborted: by then somebody else may be handling the message.
   */
  runOnce(
    inbox: NonNullable<Changes['inbox']>,
    signal: AbortSignal,
    work: (tx: Transaction) => Promise<void>,
  ): Promise<'done' | 'duplicate'>;
}

/** Collects what the work wants written and commits it in one go, so that no other request can get in between. */
export function createUnitOfWork(options: UnitOfWorkOptions): InboxUnitOfWork {
  const { store, service } = options;

  async function attempt<Result>(
    work: (tx: Transaction) => Promise<Result>,
    inbox?: Changes['inbox'],
    signal?: AbortSignal,
  ) {
    const { tx, changes, end } = createTransaction(options);
    const result = await work(tx).finally(end);
    signal?.throwIfAborted();
    const { documents, outbox } = changes();
    const nothing = documents.length === 0 && outbox.length === 0 && inbox === undefined;
    return {
      result,
      outcome: nothing ? ('committed' as const) : await store.commit(service, { documents, outbox, inbox }),
    };
  }

  async function untilCommitted<Result>(...args: Parameters<typeof attempt<Result>>) {
    for (let tries = 1; tries <= TRIES; tries++) {
      const { result, outcome } = await attempt(...args);
      if (outcome !== 'conflict') return { result, outcome };
    }
    throw new MessagingError(
      'conflict',
      `${service}: ${TRIES} tries each lost the race for the same document: try again later`,
    );
  }

  return {
    run: async (work) => (await untilCommitted(work)).result,
    async runOnce(inbox, signal, work) {
      if (await store.handled(inbox.consumer, inbox.messageId)) return 'duplicate';
      const { outcome } = await untilCommitted(work, inbox, signal);
      return outcome === 'duplicate' ? 'duplicate' : 'done';
    },
  };
}

function createTransaction({ store, publisher, service, clock, ids }: UnitOfWorkOptions) {
  const outbox: OutboxMessage[] = [];
  const collections = new Map<string, CollectedCollection>();
  let ended = false;

  /** What is told to a transaction whose work has ended would be lost in silence. @throws MessagingError `closed` */
  function demandOpen(): void {
    if (!ended) return;
    throw new MessagingError(
      'closed',
      `${service}: the transaction is over: await everything inside its work`,
    );
  }

  function collect({ kind, type, data, key, timeToLiveMs }: NewMessage): void {
    demandOpen();
    const context = currentMessageContext();
    const id = ids.next();
    const now = clock.now();
    const message: CloudEvent = {
      specversion: '1.0',
      id,
      source: `/${service}`,
      type,
      time: new Date(now).toISOString(),
      ...(timeToLiveMs !== undefined && { expirytime: new Date(now + timeToLiveMs).toISOString() }),
      datacontenttype: 'application/json',
      ...(key !== undefined && { partitionkey: key }),
      correlationid: context?.correlationId ?? id,
      ...(context?.causationId !== undefined && { causationid: context.causationId }),
      traceparent: childTraceparent(context?.traceparent),
      ...(context?.tracestate !== undefined && { tracestate: context.tracestate }),
      data,
    };
    publisher.check({ kind, message });
    outbox.push({ kind, message });
  }

  const tx: Transaction = {
    collection<Value>(name: string): Collection<Value> {
      demandOpen();
      const known = collections.get(name) ?? collectedCollection(store, service, name, demandOpen);
      collections.set(name, known);
      return known.collection as Collection<Value>;
    },
    publish: (...events) => events.forEach(collect),
    send: (...commands) => commands.forEach(collect),
  };
  return {
    tx,
    changes: () => ({ documents: [...collections.values()].flatMap(({ writes }) => writes()), outbox }),
    end: () => void (ended = true),
  };
}

interface CollectedCollection {
  readonly collection: Collection<unknown>;
  writes(): DocumentWrite[];
}

/** Remembers the version of what was first read, and what shall be written; reads see the writes. */
function collectedCollection(
  store: Store,
  scope: string,
  name: string,
  demandOpen: () => void,
): CollectedCollection {
  const versions = new Map<string, number>();
  const puts = new Map<string, unknown>();
  // What the work knows may stem from the first reading: if it has changed since, that is a lost race.
  const remember = (id: string, version: number): void => {
    if (!versions.has(id)) versions.set(id, version);
  };
  return {
    collection: {
      async get(id) {
        demandOpen();
        if (puts.has(id)) return puts.get(id);
        const document = await store.get(scope, name, id);
        remember(id, document?.version ?? 0);
        return document?.value;
      },
      async list() {
        demandOpen();
        const documents = await store.list(scope, name);
        for (const { id, version } of documents) remember(id, version);
        const stored = documents.map(({ id, value }) => (puts.has(id) ? puts.get(id) : value));
        const added = [...puts].filter(([id]) => !documents.some((document) => document.id === id));
        return [...stored, ...added.map(([, value]) => value)];
      },
      put(id, value) {
        demandOpen();
        puts.set(id, value);
      },
    },
    writes: () =>
      [...puts].map(([id, value]) => ({
        collection: name,
        id,
        value,
        expectedVersion: versions.get(id) ?? 0,
      })),
  };
}
