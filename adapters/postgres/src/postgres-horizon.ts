import type { EventRow, Store } from '@waggle/messaging';
import type { Database, Row, Statement } from './postgres-database.ts';
import { fromText, toText } from './postgres-text.ts';
import { page } from './sql-read.ts';

type ReadAll = Store['readAll'];

/**
 * How many positions one statement goes through at most, so that none takes long where nearly all events are of other scopes
 * or categories.
 */
const WINDOW = 20_000;
/** More than any page can hold. */
const MOST = 1_000_000_000;
/** How long a page waits for commits that are under way, all in all and only once for the same ones: 31 ms. */
const PAUSES_MS: readonly number[] = [1, 2, 4, 8, 16];

/** Up to `last` everything is decided once no transaction below `xid` is left. */
interface Pending {
  readonly last: string;
  readonly xid: string;
}

const EVENT_COLUMNS = 9;

/**
 * Reads all events in the order of their positions, and none too early. A position is taken before the commit, so an event can
 * become visible after one that is behind it; who had read that one would never see it. Therefore nothing is read above the
 * *settled* position, up to which every event is visible or will never be:
 *
 * - Take L, the last position that was given, and *after that* N, the next transaction id that will be given. Whoever has a
 *   position up to L took it when he had an id already (he had locked a row), so his id is below N. Once no transaction below N
 *   runs (`pg_snapshot_xmin` is at least N), everything up to L is decided. `pg_snapshot_xmax` would not do for N: it is one
 *   above the last id that has *ended*, and does not count a newer one that still runs.
 * - What follows a settled position without a hole is settled too: nobody else can have those positions.
 *
 * The first holds up readers while any transaction of the whole server that has an id runs, in other databases as well; the
 * second lets them go on until they come to a hole, which is what a writer leaves that was rolled back or has not ended.
 */
export function createReader(database: Database, schema: string): ReadAll {
  let settled = 0;
  let pending: Pending | undefined;
  let waitedFor: string | undefined;
  // After a crash the server gives ids and positions again that nobody had committed.
  database.onLoss(() => (pending = undefined));

  const readPage: Statement = {
    name: 'read all events',
    text: page(schema, {
      scope: '$1',
      category: '$2::text',
      after: '$3',
      upTo: '$4',
      limit: '$5',
    }),
  };
  const readNew: Statement = {
    name: 'read new events',
    text: `select settled, known, pending_last, pending_xid, id, type, schema_version, data, metadata, version, "position",
             time_ms, stream
           from ${schema}.read_new($1, $2, $3, $4, $5, $6, $7, $8)`,
  };

  /** Finds out what has been settled, and reads of it; `upTo` is how far it is. */
  async function newEvents(scope: string, category: string | null, after: number, limit: number) {
    const marks = [settled, pending?.last ?? null, pending?.xid ?? null];
    const values = [scope, category, after, limit, WINDOW, ...marks];
    const [first = [], ...rows] = await database.run<string | null>(readNew, values);
    const [upTo, known, last, xid] = first;
    settled = Math.max(settled, Number(known));
    pending = typeof last === 'string' && typeof xid === 'string' ? { last, xid } : undefined;
    return { found: rows.map((row) => toEvent(row.slice(first.length - EVENT_COLUMNS))), upTo: Number(upTo) };
  }

  /** Whether to look again at once, as a commit that is under way takes no longer. */
  async function pause(pauses: number): Promise<boolean> {
    if (pending === undefined || pending.xid === waitedFor) return false;
    const pauseMs = PAUSES_MS[pauses];
    if (pauseMs === undefined) waitedFor = pending.xid;
    else await new Promise((resolve) => setTimeout(resolve, pauseMs));
    return pauseMs !== undefined;
  }

  return async (scope, { after, category, limit }) => {
    const where = [toText(scope), category === undefined ? null : toText(category)] as const;
    const events: EventRow[] = [];
    let at = after;
    let pauses = 0;
    for (;;) {
      const left = Math.min(limit - events.length, MOST);
      const upTo = Math.min(settled, at + WINDOW);
      // Where a full page can be expected, one statement for it and no more.
      const isBehind = upTo - at >= Math.min(left, WINDOW);
      const read = isBehind
        ? { found: (await database.run(readPage, [...where, at, upTo, left])).map(toEvent), upTo }
        : await newEvents(...where, at, left);
      events.push(...read.found);
      if (events.length >= limit) return { events, position: events.at(-1)?.position ?? at };
      const from = at;
      at = Math.max(at, Math.min(read.upTo, at + WINDOW));
      // What follows without a hole is found out step by step.
      const isMore = isBehind || at < read.upTo || (pending !== undefined && at > from);
      if (isMore) continue;
      if (!(await pause(pauses++))) return { events, position: at };
    }
  };
}

/** As `EVENT` of sql-read.ts has it, with the stream. */
export function toEvent(row: Row<string | null>): EventRow {
  const [id, type, schemaVersion, data, metadata, version, position, timeMs, stream] = row;
  return {
    id: fromText(id ?? ''),
    type: fromText(type ?? ''),
    schemaVersion: Number(schemaVersion),
    data: data ?? '',
    metadata: metadata ?? '',
    version: Number(version),
    position: Number(position),
    timeMs: Number(timeMs),
    stream: fromText(stream ?? ''),
  };
}
