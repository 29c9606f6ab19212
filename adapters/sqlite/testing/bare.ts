import { DatabaseSync } from 'node:sqlite';
import type { BareEvent } from '@waggle/test/bench/store-load';

const TABLES = `
pragma journal_mode = wal;
pragma synchronous = normal;
create table events (
  position integer primary key, stream text not null, version integer not null, id text not null unique,
  type text not null, data text not null, metadata text not null, time_ms real not null, unique (stream, version)) strict`;

/** The same work written straight on `node:sqlite`: one table with the same indexes, four prepared statements. */
export function openBareSqlite(file: string) {
  const database = new DatabaseSync(file);
  database.exec(TABLES);
  const [begin, commit] = [database.prepare('begin immediate'), database.prepare('commit')];
  const last = database.prepare('select max(version) as version from events where stream = ?');
  const insert = database.prepare(
    'insert into events (stream, version, id, type, data, metadata, time_ms) values (?, ?, ?, ?, ?, ?, ?)',
  );
  return {
    async append(stream: string, expected: number, events: readonly BareEvent[]): Promise<void> {
      begin.run();
      if (Number(last.get(stream)?.['version'] ?? 0) !== expected) throw new Error('not as expected');
      events.forEach(({ id, type, data, metadata }, index) =>
        insert.run(stream, expected + index + 1, id, type, data, metadata, Date.now()),
      );
      commit.run();
    },
    close: () => database.close(),
  };
}
