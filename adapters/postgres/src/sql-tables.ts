/**
 * The tables. What is compared is compared byte by byte (`collate "C"`): names mean the same under every locale, and it is
 * quicker. Numbers come first in a row, so that no space is lost between them. JSON is kept as text: nobody parses it here,
 * and neither `json` nor `jsonb` takes everything that JSON can say.
 *
 * @param schema quoted
 */
export const tables = (schema: string): string => `
-- Versions below kept_from were forgotten. A stream without events (version 0) is one that was only locked.
create table ${schema}.streams (
  id bigint generated always as identity primary key,
  version integer not null,
  kept_from integer not null default 1,
  scope text collate "C" not null,
  category text collate "C" not null,
  name text collate "C" not null,
  unique (scope, name)
) with (fillfactor = 80);

-- Readers rely on it that a position is taken by a transaction that has an id already, and that none is cached.
create table ${schema}.events (
  position bigint generated always as identity primary key,
  stream_id bigint not null,
  time_ms double precision not null,
  version integer not null,
  schema_version integer not null,
  id text collate "C" not null constraint events_id unique,
  type text not null,
  data text not null,
  metadata text not null,
  unique (stream_id, version)
);

-- The place is kept over updates: it is the order of first writing.
create table ${schema}.documents (
  place bigint generated always as identity,
  version bigint not null,
  scope text collate "C" not null,
  collection text collate "C" not null,
  id text collate "C" not null,
  value text not null,
  primary key (scope, collection, id)
) with (fillfactor = 80);

create table ${schema}.inbox (
  time_ms double precision not null,
  started integer not null,
  failed integer not null,
  handled boolean not null,
  consumer text collate "C" not null,
  message_id text collate "C" not null,
  primary key (consumer, message_id)
);
create index inbox_by_time on ${schema}.inbox (time_ms);

-- A queue: its rows come and go, so the dead ones are cleared away by number, soon, and without a pause. Giving the space back
-- to the system would lock out writers, and be undone by the next peak.
create table ${schema}.outbox (
  position bigint generated always as identity primary key,
  partition integer not null,
  kind text not null,
  id text not null,
  key text,
  body text not null
) with (
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0,
  autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 50000, vacuum_truncate = false,
  toast.autovacuum_vacuum_scale_factor = 0, toast.autovacuum_vacuum_threshold = 5000,
  toast.autovacuum_vacuum_cost_delay = 0, toast.vacuum_truncate = false
);

-- The place keeps the order of what is due at the same time.
create table ${schema}.schedule (
  place bigint generated always as identity,
  due_ms double precision not null,
  partition integer not null,
  scope text collate "C" not null,
  name text collate "C" not null,
  kind text not null,
  id text not null,
  key text,
  body text not null,
  primary key (scope, name)
);
create index schedule_by_time on ${schema}.schedule (due_ms, place);
`;
