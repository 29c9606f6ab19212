import type { DatabaseSync } from 'node:sqlite';
import { MessagingError, type ExpectedVersion, type StreamRange } from '@waggle/kernel';
import type { EventRow, StreamWrite } from '@waggle/messaging';
import { prepare } from './query.ts';

/** What appends will do that happen together. */
export interface Judgement {
  /** The first that is not as expected. */
  readonly conflict?: { readonly index: number; readonly actual: number };
  /** They were made before: nothing is to be written. */
  readonly isRepeat: boolean;
  /** Of the stream of each, before it and after all of them. */
  readonly versions: readonly { readonly before: number; readonly after: number }[];
}

interface Place {
  readonly scope: string;
  readonly stream: string;
  readonly version: number;
}

/** Positions in a block of `event_blocks`; stored, so never to be changed. */
const BLOCK = 256;

const EVENT =
  'e.id, e.type, e.schema_version AS schemaVersion, e.data, e.metadata, e.stream, e.version, e.position, e.time_ms AS timeMs';

/** Event streams. What they look like is explained beside their tables. */
export function createStreams(database: DatabaseSync) {
  const lastVersion = prepare<{ version: number | null }>(
    database,
    'SELECT max(version) AS version FROM events WHERE scope = ? AND stream = ?',
  );
  const placeOf = prepare<Place>(
    database,
    `SELECT scope, stream, version FROM events WHERE id = ?1
     UNION ALL SELECT scope, stream, version FROM truncated_events WHERE id = ?1`,
  );
  const add = prepare(
    database,
    `INSERT INTO events (scope, category, stream, version, id, type, schema_version, time_ms, data, metadata)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  // Triggers see to the blocks, and to the ids of what is removed.
  const truncate = prepare(database, 'DELETE FROM events WHERE scope = ? AND stream = ? AND version < ?');

  const range = (order: 'ASC' | 'DESC') =>
    prepare<EventRow>(
      database,
      `SELECT ${EVENT} FROM events AS e WHERE e.scope = ? AND e.stream = ? AND e.version BETWEEN ? AND ?
       ORDER BY e.version ${order} LIMIT ?`,
    );
  const forwards = range('ASC');
  const backwards = range('DESC');

  const head = prepare<{ position: number | null }>(database, 'SELECT max(position) AS position FROM events');
  // Block by block (CROSS), and in each by position (NOT INDEXED): so what is found is in order already.
  const all = (isWanted: string) =>
    prepare<EventRow>(
      database,
      `SELECT ${EVENT} FROM event_blocks AS b CROSS JOIN events AS e NOT INDEXED
         ON e.position BETWEEN max(b.block * ${BLOCK}, :after + 1) AND min(b.block * ${BLOCK} + ${BLOCK - 1}, :last)
       WHERE b.scope = :scope AND b.category = :category AND b.block >= :firstBlock AND ${isWanted}
       ORDER BY b.block, e.position LIMIT :limit`,
    );
  const ofScope = all('e.scope = :scope');
  const ofCategory = all('e.scope = :scope AND e.category = :category');

  /**
   * Of writes that happen together, one after the other: each sees those before it. @throws MessagingError `invalid` for an id
   * that is taken
   */
  function judge(scope: string, writes: readonly StreamWrite[]): Judgement {
    const versions = new Map<string, number>();
    const fresh = new Set<string>();
    const verdicts = writes.map(({ stream, expected, events }) => {
      const before = versions.get(stream) ?? lastVersion.get(scope, stream)?.version ?? 0;
      versions.set(stream, before);
      const places = events.map(({ id }) => placeOf.get(id));
      if (areThere(scope, stream, places)) return { before, what: 'repeat' };
      if (!isAsExpected(before, expected)) return { before, what: 'conflict' };
      events.forEach(({ id }, index) => {
        if (places[index] !== undefined || fresh.has(id)) throw taken(id);
        fresh.add(id);
      });
      versions.set(stream, before + events.length);
      return { before, what: 'append' };
    });
    const find = (wanted: string): number => verdicts.findIndex(({ what }) => what === wanted);
    const [repeat, conflict] = [find('repeat'), find('conflict')];
    if (repeat >= 0 && find('append') >= 0) throw taken(writes[repeat]?.events[0]?.id);
    return {
      ...(conflict >= 0 && { conflict: { index: conflict, actual: verdicts[conflict]?.before ?? 0 } }),
      isRepeat: repeat >= 0,
      versions: verdicts.map(({ before }, index) => ({
        before,
        after: versions.get(writes[index]?.stream ?? '') ?? before,
      })),
    };
  }

  return {
    judge,
    write(scope: string, writes: readonly StreamWrite[], { versions }: Judgement, timeMs: number): void {
      writes.forEach(({ stream, events, truncateBefore }, index) => {
        const category = stream.slice(0, Math.max(0, stream.indexOf('-')));
        let version = versions[index]?.before ?? 0;
        for (const { id, type, schemaVersion, data, metadata } of events) {
          version++;
          add.get(scope, category, stream, version, id, type, schemaVersion, timeMs, data, metadata);
        }
        // The last one stays.
        if (truncateBefore !== undefined) truncate.get(scope, stream, Math.min(truncateBefore, version));
      });
    },
    read(scope: string, stream: string, wanted: StreamRange): readonly EventRow[] {
      const { from, to, limit = -1, backwards: isBackwards = false } = wanted;
      const [first = 1, last = Number.MAX_SAFE_INTEGER] = isBackwards ? [to, from] : [from, to];
      return (isBackwards ? backwards : forwards).all(scope, stream, first, last, limit).map(copy);
    },
    /** The head first: what is committed after it was read is for the next time. */
    readAll(scope: string, after: number, category: string | undefined, limit: number) {
      const last = head.get()?.position ?? 0;
      const bounds = { after, firstBlock: Math.floor((after + 1) / BLOCK), last, limit };
      const rows =
        category === undefined
          ? ofScope.all({ scope, category: '', ...bounds })
          : ofCategory.all({ scope, category, ...bounds });
      const events = rows.map(copy);
      const isAll = events.length < limit;
      return { events, position: isAll ? Math.max(after, last) : (events.at(-1)?.position ?? after) };
    },
  };
}

/** SQLite's own rows have no prototype. */
const copy = (row: EventRow): EventRow => ({ ...row });

/** Whether these events stand in this stream already, one behind the other. */
function areThere(scope: string, stream: string, places: readonly (Place | undefined)[]): boolean {
  const [first] = places;
  if (first === undefined) return false;
  return places.every(
    (place, index) =>
      place?.scope === scope && place.stream === stream && place.version === first.version + index,
  );
}

function isAsExpected(actual: number, expected: ExpectedVersion): boolean {
  if (expected === 'any') return true;
  if (expected === 'stream-exists') return actual > 0;
  return actual === (expected === 'no-stream' ? 0 : expected);
}

function taken(id = ''): MessagingError {
  return new MessagingError('invalid', `[sqlite] event id "${id}" is taken: ids are unique in a store`);
}
