import type { BareEvent } from '@waggle/test/bench/store-load';
import { Pool } from 'pg';

/** Events, one insert; what a stream costs at the least. */
const APPEND = `
with stream as (
  update bare.streams set version = version + cardinality($3::text[])
  where name = $1 and version = $2 returning id, version)
insert into bare.events (stream, version, id, type, data, metadata)
select stream.id, $2 + event.place, event.id, event.type, event.data::json, event.metadata::json
from stream, unnest($3::text[], $4::text[], $5::text[], $6::text[])
  with ordinality as event (id, type, data, metadata, place)`;

const READ = `
select version, id, type, data, metadata, position, time
from bare.events where stream = (select id from bare.streams where name = $1) order by version`;

const TABLES = `
drop schema if exists bare cascade;
create schema bare;
create table bare.streams (
  id bigint generated always as identity primary key, name text not null unique, version bigint not null);
create table bare.events (
  position bigint generated always as identity primary key,
  stream bigint not null, version bigint not null,
  id text not null unique, type text not null, data json not null, metadata json not null,
  time timestamptz not null default now(), unique (stream, version));
create table bare.outbox (position bigint generated always as identity primary key, body text not null)`;

/** The same work written straight on `pg`: prepared statements, one round trip each. */
export async function openBare(url: string, connections: number) {
  const pool = new Pool({ connectionString: url, max: connections });
  await pool.query(TABLES);
  return {
    pool,
    begin: (stream: string) =>
      pool.query('insert into bare.streams (name, version) values ($1, 0)', [stream]),
    async append(stream: string, expected: number, events: readonly BareEvent[]): Promise<void> {
      const column = (name: keyof BareEvent): readonly string[] => events.map((event) => event[name]);
      const values = [stream, expected, column('id'), column('type'), column('data'), column('metadata')];
      const { rowCount } = await pool.query({ name: 'append', text: APPEND, values });
      if (rowCount !== events.length) throw new Error(`${stream} did not have version ${expected}`);
    },
    async read(stream: string): Promise<readonly unknown[]> {
      return (await pool.query({ name: 'read', text: READ, values: [stream] })).rows;
    },
    async fillOutbox(bodies: readonly string[]): Promise<void> {
      await pool.query('insert into bare.outbox (body) select unnest($1::text[])', [bodies]);
    },
    /** Reads by position, publishes with all confirms awaited together, removes, until there is nothing more. */
    async relay(batchSize: number, publish: (body: string) => Promise<unknown>): Promise<void> {
      const text = 'select position, body from bare.outbox where position > $1 order by position limit $2';
      let after = '0';
      for (;;) {
        const values = [after, batchSize];
        const { rows } = await pool.query<{ position: string; body: string }>({
          name: 'batch',
          text,
          values,
        });
        const last = rows.at(-1);
        if (last === undefined) return;
        after = last.position;
        await Promise.all(rows.map(({ body }) => publish(body)));
        const positions = rows.map(({ position }) => position);
        await pool.query('delete from bare.outbox where position = any($1)', [positions]);
      }
    },
    close: async () => {
      await pool.query('drop schema bare cascade');
      await pool.end();
    },
  };
}

export type Bare = Awaited<ReturnType<typeof openBare>>;
