import type { ExpectedVersion, StreamRange } from '@waggle/kernel';
import { MessagingError } from '@waggle/kernel';
import type { EventRow, StreamWrite } from '@waggle/messaging';

interface KnownStream {
  version: number;
  rows: EventRow[];
}

/** What an append will do: nothing where it is made a second time. */
export type Verdict = 'append' | 'repeat' | { readonly actual: number };

/** The streams of one scope and of all. */
export class MemoryStreams {
  readonly #streams = new Map<string, KnownStream>();
  readonly #ids = new Map<string, { readonly name: string; readonly version: number }>();
  #all: { readonly scope: string; readonly row: EventRow }[] = [];

  /**
   * Of writes that happen together, one after the other: each sees those before it. @throws MessagingError `invalid` for an id
   * that is taken
   */
  judge(scope: string, writes: readonly StreamWrite[]): readonly Verdict[] {
    const versions = new Map<string, number>();
    const fresh = new Set<string>();
    const verdicts = writes.map(({ stream, expected, events }): Verdict => {
      const name = nameOf(scope, stream);
      const actual = versions.get(name) ?? this.#streams.get(name)?.version ?? 0;
      if (this.#isRepeat(name, events)) return 'repeat';
      if (!isAsExpected(actual, expected)) return { actual };
      for (const { id } of events) {
        if (this.#ids.has(id) || fresh.has(id)) throw taken(id);
        fresh.add(id);
      }
      versions.set(name, actual + events.length);
      return 'append';
    });
    const repeated = verdicts.indexOf('repeat');
    const [id = ''] = writes[repeated]?.events.map((event) => event.id) ?? [];
    if (repeated >= 0 && verdicts.includes('append')) throw taken(id);
    return verdicts;
  }

  write(scope: string, writes: readonly StreamWrite[], timeMs: number): void {
    for (const { stream, events, truncateBefore } of writes) {
      const name = nameOf(scope, stream);
      const known = this.#streams.get(name) ?? { version: 0, rows: [] };
      for (const event of events) {
        const version = ++known.version;
        const row = Object.freeze({ ...event, stream, version, position: this.#all.length + 1, timeMs });
        known.rows.push(row);
        this.#all.push({ scope, row });
        this.#ids.set(event.id, { name, version });
      }
      if (truncateBefore !== undefined) {
        const least = Math.min(truncateBefore, known.version);
        known.rows = known.rows.filter(({ version }) => version >= least);
      }
      if (known.version > 0) this.#streams.set(name, known);
    }
  }

  versionOf(scope: string, stream: string): number {
    return this.#streams.get(nameOf(scope, stream))?.version ?? 0;
  }

  read(
    scope: string,
    stream: string,
    { from, to, limit, backwards = false }: StreamRange,
  ): readonly EventRow[] {
    const rows = this.#streams.get(nameOf(scope, stream))?.rows ?? [];
    const [first = 1, last = Infinity] = backwards ? [to, from] : [from, to];
    const range = rows.filter(({ version }) => version >= first && version <= last);
    return (backwards ? range.toReversed() : range).slice(0, limit);
  }

  readAll(scope: string, after: number, category: string | undefined, limit: number) {
    const events: EventRow[] = [];
    const prefix = category === undefined ? '' : `${category}-`;
    let at = after;
    for (; at < this.#all.length && events.length < limit; at++) {
      const entry = this.#all[at];
      if (entry?.scope === scope && entry.row.stream.startsWith(prefix) && this.#isKept(scope, entry.row))
        events.push(entry.row);
    }
    return { events, position: at };
  }

  #isKept(scope: string, row: EventRow): boolean {
    const first = this.#streams.get(nameOf(scope, row.stream))?.rows[0]?.version ?? 1;
    return row.version >= first;
  }

  /** Whether these events stand in this stream already, one behind the other. */
  #isRepeat(name: string, events: StreamWrite['events']): boolean {
    const [first] = events;
    const known = first && this.#ids.get(first.id);
    if (known === undefined) return false;
    return events.every(({ id }, index) => {
      const place = this.#ids.get(id);
      return place?.name === name && place.version === known.version + index;
    });
  }
}

const nameOf = (scope: string, stream: string): string => `${scope} ${stream}`;

function isAsExpected(actual: number, expected: ExpectedVersion): boolean {
  if (expected === 'any') return true;
  if (expected === 'stream-exists') return actual > 0;
  return actual === (expected === 'no-stream' ? 0 : expected);
}

function taken(id: string): MessagingError {
  return new MessagingError('invalid', `[memory] event id "${id}" is taken: ids are unique in a store`);
}
