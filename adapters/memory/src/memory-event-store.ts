import { MessagingError, VersionConflict, type Clock } from '@waggle/kernel';
import type { EventStore, ExpectedVersion, EventToAppend, StoredEvent, StorePosition } from '@waggle/kernel';
import { systemClock } from '@waggle/messaging';
import { isolated } from './isolated.ts';

const STREAM = /^[a-z][a-z0-9]*-\S+$/;
const POSITION = /^e([1-9][0-9]{0,14})$/;
const LIMIT = 1_000;

/** Streams in this process; gone with it. Appends happen one at a time, so that none is ever committed late. */
export function createMemoryEventStore({ clock = systemClock }: { readonly clock?: Clock } = {}): EventStore {
  const all: StoredEvent[] = [];
  const streams = new Map<string, StoredEvent[]>();
  const ids = new Set<string>();

  function prepare(stream: string, events: readonly EventToAppend[], version: number): StoredEvent[] {
    const time = new Date(clock.now()).toISOString();
    const fresh = new Set(events.map(({ id }) => id));
    const taken = events.find(({ id }) => ids.has(id));
    if (taken !== undefined) throw invalid(`event id "${taken.id}" is taken: ids are unique in a store`);
    if (fresh.size < events.length) throw invalid(`two events of one append to "${stream}" have the same id`);
    return events.map((event, index) => ({
      ...isolated(event, `event ${event.id}`),
      stream,
      version: version + index + 1,
      position: `e${all.length + index + 1}` as StorePosition,
      time,
    }));
  }

  return {
    async append(stream, events, expected) {
      if (!STREAM.test(stream)) throw invalid(`"${stream}" is not a stream: write <category>-<id>`);
      const known = streams.get(stream) ?? [];
      if (!isAsExpected(known.length, expected)) throw new VersionConflict(stream, expected, known.length);
      const stored = prepare(stream, events, known.length);
      for (const event of stored) {
        ids.add(event.id);
        all.push(event);
        known.push(event);
      }
      if (stored.length > 0) streams.set(stream, known);
      return { version: known.length };
    },
    async read(stream, { from, to, limit = Infinity, backwards = false } = {}) {
      const events = streams.get(stream) ?? [];
      const [first, last] = backwards ? [to, from] : [from, to];
      const range = events.slice(Math.max(0, (first ?? 1) - 1), Math.max(0, last ?? events.length));
      const ordered = backwards ? range.toReversed() : range;
      return isolated(ordered.slice(0, checked('limit', limit)), `stream ${stream}`);
    },
    async readAll({ after, category, limit = LIMIT } = {}) {
      const found: StoredEvent[] = [];
      const prefix = category === undefined ? '' : `${category}-`;
      for (let at = after === undefined ? 0 : numberOf(after); at < all.length; at++) {
        if (found.length >= checked('limit', limit)) break;
        const event = all[at];
        if (event?.stream.startsWith(prefix) === true) found.push(event);
      }
      return isolated(found, 'the events');
    },
  };
}

function isAsExpected(actual: number, expected: ExpectedVersion): boolean {
  if (expected === 'any') return true;
  if (expected === 'stream-exists') return actual > 0;
  return actual === (expected === 'no-stream' ? 0 : expected);
}

function numberOf(position: StorePosition): number {
  const digits = POSITION.exec(position)?.[1];
  if (digits === undefined) throw invalid(`"${position.slice(0, 40)}" is not a position of this store`);
  return Number(digits);
}

function checked(name: string, value: number): number {
  if (value > 0) return value;
  throw invalid(`${name} is ${value}: give a number from 1`);
}

function invalid(what: string): MessagingError {
  return new MessagingError('invalid', `[memory] ${what}`);
}
