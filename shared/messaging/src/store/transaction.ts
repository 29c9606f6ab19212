import type {
  Clock,
  CloudEvent,
  Collection,
  Ids,
  NewMessage,
  Stream,
  StreamEvent,
  StreamRange,
  Transaction,
  Upcasters,
} from '@waggle/kernel';
import { MessagingError } from '@waggle/kernel';
import { currentMessageContext } from '../message-context.ts';
import type { Publisher } from '../publisher.ts';
import { childTraceparent } from '../trace-context.ts';
import { checkText, toJson } from './json.ts';
import { partitionOf } from './partitions.ts';
import type {
  Changes,
  DocumentWrite,
  EventWrite,
  OutboxMessage,
  ScheduleWrite,
  Store,
  StreamWrite,
} from './store.ts';
import { checkRange, checkStream, toStreamEvent, toWrite } from './streams.ts';

export interface TransactionOptions {
  readonly store: Store;
  /** Checks what leaves before it is committed: what no broker would take must not wait in an outbox for ever. */
  readonly publisher: Pick<Publisher, 'encode'>;
  /** Its name is the `source` of its messages and the scope of what it keeps. */
  readonly service: string;
  readonly clock: Clock;
  readonly ids: Ids;
  /** @default every stored event is in its newest shape */
  readonly upcasters?: Upcasters | undefined;
}

/** A transaction that collects what it is told, until `end`; `changes` is what is to be committed. */
export function createTransaction(options: TransactionOptions) {
  const { store, publisher, service, clock, ids } = options;
  const outbox: OutboxMessage[] = [];
  const schedule: ScheduleWrite[] = [];
  const streams: StreamWrite[] = [];
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

  /** @param nowMs the time that the message has */
  function outgoing({ kind, type, data, key, timeToLiveMs }: NewMessage, nowMs: number): OutboxMessage {
    const context = currentMessageContext();
    const id = ids.next();
    const message: CloudEvent = {
      specversion: '1.0',
      id,
      source: `/${service}`,
      type,
      time: new Date(nowMs).toISOString(),
      ...(timeToLiveMs !== undefined && { expirytime: new Date(nowMs + timeToLiveMs).toISOString() }),
      datacontenttype: 'application/json',
      ...(key !== undefined && { partitionkey: key }),
      correlationid: context?.correlationId ?? id,
      ...(context?.causationId !== undefined && { causationid: context.causationId }),
      traceparent: childTraceparent(context?.traceparent),
      ...(context?.tracestate !== undefined && { tracestate: context.tracestate }),
      data,
    };
    if (key?.isWellFormed() === false) checkText(`the key of ${type}`, key);
    return { kind, id, key, partition: partitionOf(key ?? id), body: publisher.encode({ kind, message }) };
  }

  function collect(messages: readonly NewMessage[]): void {
    demandOpen();
    for (const message of messages) outbox.push(outgoing(message, clock.now()));
  }

  const tx: Transaction = {
    collection<Value>(name: string): Collection<Value> {
      demandOpen();
      checkText('the name of a collection', name);
      const known = collections.get(name) ?? collectedCollection(store, service, name, demandOpen);
      collections.set(name, known);
      return known.collection as Collection<Value>;
    },
    stream(name) {
      demandOpen();
      checkStream(name);
      return collectedStream(options, name, streams, demandOpen);
    },
    publish: (...events) => collect(events),
    send: (...commands) => collect(commands),
    deliverAt(id, atMs, message) {
      demandOpen();
      if (!Number.isFinite(atMs) || id === '')
        throw new MessagingError(
          'invalid',
          `${service}: "${id}" cannot be delivered at ${atMs}: give it a name, and milliseconds since 1970`,
        );
      checkText('the name of a scheduled message', id);
      schedule.push({ id, due: { atMs, message: outgoing(message, atMs) } });
    },
    cancel(id) {
      demandOpen();
      schedule.push({ id });
    },
  };
  return {
    tx,
    changes: (): Changes => ({
      timeMs: clock.now(),
      documents: [...collections.values()].flatMap(({ writes }) => writes()),
      streams,
      outbox,
      schedule,
    }),
    end: () => void (ended = true),
  };
}

/** Reads see what was appended here. */
function collectedStream(
  { store, service, ids, upcasters }: TransactionOptions,
  stream: string,
  writes: StreamWrite[],
  demandOpen: () => void,
): Stream {
  const appended = (): readonly EventWrite[] =>
    writes.filter((write) => write.stream === stream).flatMap(({ events }) => events);

  async function read(range: StreamRange): Promise<readonly StreamEvent[]> {
    const own = appended();
    const rows = await store.readStream(service, stream, own.length === 0 ? range : {});
    const stored = rows.map((row) => toStreamEvent(stream, row.version, row, upcasters));
    if (own.length === 0) return stored;
    const head = stored.at(-1)?.version ?? 0;
    const all = own.map((event, index) => toStreamEvent(stream, head + index + 1, event, upcasters));
    return within([...stored, ...all], range);
  }

  return {
    async read(range = {}) {
      demandOpen();
      checkRange(range);
      return read(range);
    },
    append(events, expected) {
      demandOpen();
      writes.push({
        stream,
        expected,
        events: events.map((event) => toWrite(stream, event, ids, upcasters)),
      });
    },
  };
}

function within(
  events: readonly StreamEvent[],
  { from, to, limit, backwards = false }: StreamRange,
): readonly StreamEvent[] {
  const [first = 1, last = Infinity] = backwards ? [to, from] : [from, to];
  const range = events.filter(({ version }) => version >= first && version <= last);
  return (backwards ? range.toReversed() : range).slice(0, limit);
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
  /** JSON; `undefined` for what is to be removed. */
  const changes = new Map<string, string | undefined>();
  // What the work knows may stem from the first reading: if it has changed since, that is a lost race.
  const remember = (id: string, version: number): void => {
    if (!versions.has(id)) versions.set(id, version);
  };
  const parsed = (text: string | undefined): unknown => (text === undefined ? undefined : JSON.parse(text));
  const expectedOf = (id: string, value: string | undefined): number | 'any' =>
    versions.get(id) ?? (value === undefined ? 'any' : 0);
  /** As this transaction sees them. */
  async function entries(): Promise<readonly (readonly [string, string])[]> {
    demandOpen();
    const documents = await store.list(scope, name);
    for (const { id, version } of documents) remember(id, version);
    const all = new Map<string, string | undefined>(documents.map(({ id, value }) => [id, value]));
    for (const [id, value] of changes) all.set(id, value);
    return [...all].flatMap(([id, value]) => (value === undefined ? [] : [[id, value] as const]));
  }

  return {
    collection: {
      async get(id) {
        demandOpen();
        if (changes.has(id)) return parsed(changes.get(id));
        const document = await store.get(scope, name, id);
        remember(id, document?.version ?? 0);
        return parsed(document?.value);
      },
      async list() {
        return (await entries()).map(([, value]) => parsed(value));
      },
      async ids() {
        return (await entries()).map(([id]) => id);
      },
      put(id, value) {
        demandOpen();
        checkText(`an id in ${name}`, id);
        changes.set(id, toJson(value, `document ${name}/${id}`));
      },
      delete(id) {
        demandOpen();
        changes.set(id, undefined);
      },
    },
    writes: () =>
      [...changes].map(([id, value]) => ({
        collection: name,
        id,
        value,
        expectedVersion: expectedOf(id, value),
      })),
  };
}
