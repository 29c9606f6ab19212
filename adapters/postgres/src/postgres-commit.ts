import type { ExpectedVersion } from '@waggle/kernel';
import type {
  Changes,
  CommitOutcome,
  DocumentWrite,
  EventWrite,
  ScheduleWrite,
  StreamWrite,
} from '@waggle/messaging';
import type { Row, Statement } from './postgres-database.ts';
import { fail } from './postgres-errors.ts';
import { numbersOf, textArray, toText } from './postgres-text.ts';
import { appendOne, EXPECTED } from './sql-append.ts';
import { COMMIT_PARAMETERS } from './sql-commit.ts';
import { ANSWER } from './sql-judge.ts';

/** The largest number of a version. */
const MOST = 2_147_483_647;

/** One round trip and one transaction, or part of the transaction of whoever runs it. */
export type Run = (statement: Statement, values: readonly unknown[]) => Promise<readonly Row[]>;

/** @param schema quoted */
export function createCommit(schema: string) {
  const appendOneStatement: Statement = { name: 'append one', text: appendOne(schema) };
  const appendStatement: Statement = {
    name: 'append',
    text: `select ${schema}.append($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
  };
  const names = Object.keys(COMMIT_PARAMETERS);
  const commitStatement: Statement = {
    name: 'commit',
    text: `select ${schema}.commit(${names.map((_, index) => `$${index + 1}`).join(', ')})`,
  };

  async function append(run: Run, scope: string, timeMs: number, write: StreamWrite): Promise<CommitOutcome> {
    const expected = expectation(write.expected);
    const where = [toText(scope), toText(write.stream), expected, timeMs];
    const [event, second] = write.events;
    if (event !== undefined && second === undefined && expected > 0) {
      const { id, type, schemaVersion, data, metadata } = event;
      const values = [...where, toText(id), toText(type), schemaVersion, data, metadata];
      const [[version] = []] = await run(appendOneStatement, values);
      if (version !== undefined) return { outcome: 'committed', versions: [Number(version)] };
    }
    const [[answer] = []] = await run(appendStatement, [...where, ...columnsOf(write.events)]);
    const version = Number(answer);
    if (version >= 0) return { outcome: 'committed', versions: [version] };
    return { outcome: 'conflict', stream: { index: 0, actual: -1 - version } };
  }

  async function commitAll(run: Run, scope: string, changes: Changes): Promise<CommitOutcome> {
    const { streams = [] } = changes;
    const { values, eventIds, streamOf } = valuesOf(scope, changes);
    const [[answer = '{}'] = []] = await run(
      commitStatement,
      names.map((name) => values[name as keyof typeof COMMIT_PARAMETERS]),
    );
    const [code, ...details] = numbersOf(answer);
    const [first = 0, second = 0] = details;
    if (code === ANSWER.committed) {
      return { outcome: 'committed', versions: streams.map((_, write) => details[streamOf(write)] ?? 0) };
    }
    if (code === ANSWER.duplicate) return { outcome: 'duplicate' };
    if (code === ANSWER.conflict) return { outcome: 'conflict' };
    if (code === ANSWER.streamConflict) {
      return { outcome: 'conflict', stream: { index: first - 1, actual: second } };
    }
    throw fail('invalid', `event id "${eventIds[first - 1]}" is taken: ids are unique in a store`);
  }

  return async (run: Run, scope: string, changes: Changes): Promise<CommitOutcome> => {
    const [write] = changes.streams ?? [];
    if (write === undefined || !isPureAppend(changes)) return commitAll(run, scope, changes);
    try {
      return await append(run, scope, changes.timeMs, write);
    } catch (error) {
      // An id that is there already: `commit` tells whose it is.
      if (isTaken(error)) return commitAll(run, scope, changes);
      throw error;
    }
  };
}

/** Events for one stream, and nothing else. */
function isPureAppend({ streams = [], documents = [], outbox = [], schedule = [], inbox }: Changes): boolean {
  const [write, second] = streams;
  if (write === undefined || second !== undefined || inbox !== undefined) return false;
  if (documents.length + outbox.length + schedule.length > 0) return false;
  return write.events.length > 0 && write.truncateBefore === undefined;
}

function isTaken(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'constraint' in cause && cause.constraint === 'events_id';
}

function expectation(expected: ExpectedVersion): number {
  if (expected === 'any') return EXPECTED.any;
  if (expected === 'stream-exists') return EXPECTED.exists;
  if (expected === 'no-stream') return 0;
  return Number.isSafeInteger(expected) && expected >= 0 ? expected : EXPECTED.never;
}

const columnsOf = (events: readonly EventWrite[]): readonly unknown[] => [
  textArray(events.map(({ id }) => toText(id))),
  textArray(events.map(({ type }) => toText(type))),
  events.map(({ schemaVersion }) => schemaVersion),
  textArray(events.map(({ data }) => data)),
  textArray(events.map(({ metadata }) => metadata)),
];

/** The parameters of `commit`. What is locked is sorted, the same for everybody, so that no two wait for each other. */
function valuesOf(scope: string, changes: Changes) {
  const { timeMs, streams = [], outbox = [], inbox } = changes;
  const locked = [...new Set(streams.map(({ stream }) => stream))].toSorted();
  const placeOf = new Map(locked.map((stream, index) => [stream, index]));
  const streamOf = (write: number): number => placeOf.get(streams[write]?.stream ?? '') ?? 0;
  const added = locked.map(() => 0);
  const events: { readonly write: number; readonly stream: number; readonly place: number }[] = [];
  const ends = streams.map((write, index) => {
    const stream = streamOf(index);
    let end = added[stream] ?? 0;
    for (let count = write.events.length; count > 0; count--) {
      events.push({ write: index + 1, stream: stream + 1, place: ++end });
    }
    added[stream] = end;
    return end;
  });
  const written = streams.flatMap((write) => write.events);
  const [eventIds, eventTypes, eventSchemaVersions, eventData, eventMetadata] = columnsOf(written);
  const documents = inOrder(changes.documents ?? []);
  const due = lastOfEach(changes.schedule ?? []);
  const values: Record<keyof typeof COMMIT_PARAMETERS, unknown> = {
    scope: toText(scope),
    time_ms: timeMs,
    consumer: inbox === undefined ? null : toText(inbox.consumer),
    message_id: inbox === undefined ? null : toText(inbox.messageId),
    streams: textArray(locked.map(toText)),
    added,
    write_streams: streams.map((_, write) => streamOf(write) + 1),
    write_expected: streams.map(({ expected }) => expectation(expected)),
    write_ends: ends,
    write_keep_from: streams.map(({ truncateBefore }) =>
      truncateBefore === undefined ? null : Math.min(truncateBefore, MOST),
    ),
    event_writes: events.map(({ write }) => write),
    event_streams: events.map(({ stream }) => stream),
    event_places: events.map(({ place }) => place),
    event_ids: eventIds,
    event_types: eventTypes,
    event_schema_versions: eventSchemaVersions,
    event_data: eventData,
    event_metadata: eventMetadata,
    document_collections: textArray(documents.map(({ collection }) => toText(collection))),
    document_ids: textArray(documents.map(({ id }) => toText(id))),
    document_values: textArray(documents.map(({ value }) => value ?? null)),
    document_expected: documents.map(({ expectedVersion }) => expectation(expectedVersion)),
    out_partitions: outbox.map(({ partition }) => partition),
    out_kinds: textArray(outbox.map(({ kind }) => kind)),
    out_ids: textArray(outbox.map(({ id }) => toText(id))),
    out_keys: textArray(outbox.map(({ key }) => (key === undefined ? null : toText(key)))),
    out_bodies: textArray(outbox.map(({ body }) => body)),
    due_names: textArray(due.map(({ id }) => toText(id))),
    due_ms: due.map((write) => write.due?.atMs ?? null),
    due_partitions: due.map((write) => write.due?.message.partition ?? null),
    due_kinds: textArray(due.map((write) => write.due?.message.kind ?? null)),
    due_ids: textArray(
      due.map(({ due: wanted }) => (wanted === undefined ? null : toText(wanted.message.id))),
    ),
    due_keys: textArray(
      due.map(({ due: wanted }) => (wanted?.message.key === undefined ? null : toText(wanted.message.key))),
    ),
    due_bodies: textArray(due.map((write) => write.due?.message.body ?? null)),
  };
  return { values, eventIds: written.map(({ id }) => id), streamOf };
}

const compare = (one: string, other: string): number => (one < other ? -1 : Number(one > other));

/** A document that is written twice has changed since it was read, when it is its turn again. */
function inOrder(documents: readonly DocumentWrite[]): readonly DocumentWrite[] {
  const seen = new Set<string>();
  return documents
    .map((write) => {
      const key = JSON.stringify([write.collection, write.id]);
      const twice = seen.has(key);
      seen.add(key);
      return twice ? { ...write, expectedVersion: EXPECTED.never } : write;
    })
    .toSorted((one, other) => compare(one.collection, other.collection) || compare(one.id, other.id));
}

function lastOfEach(schedule: readonly ScheduleWrite[]): readonly ScheduleWrite[] {
  const last = new Map(schedule.map((write) => [write.id, write]));
  return [...last.values()].toSorted((one, other) => compare(one.id, other.id));
}
