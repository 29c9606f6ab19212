import { EXPECTED } from './sql-append.ts';

/** What the first number that `commit` and `judge` answer means; the others follow it. */
export const ANSWER = {
  /** The version of each stream, in the order in which they were locked. */
  committed: 0,
  duplicate: 1,
  /** Of a document. */
  conflict: 2,
  /** The number of the write, from 1, and the version that its stream has. */
  streamConflict: 3,
  /** The number of the event, from 1. */
  taken: 4,
  repeat: 5,
} as const;

/** Raised and caught by `commit` alone. Its detail is the answer. */
const UNDO = 'WG001';

/** The names of the parameters of `commit`, in their order, with their types. */
export const COMMIT_PARAMETERS = {
  scope: 'text',
  time_ms: 'double precision',
  /** Null: not the effect of a message. */
  consumer: 'text',
  message_id: 'text',
  /** Each stream once, in the order in which they are locked. */
  streams: 'text[]',
  /** How many events each of them gets. */
  added: 'integer[]',
  /** Each write: which stream, what is expected, how many events its stream has had from this commit, with its own. */
  write_streams: 'integer[]',
  write_expected: 'bigint[]',
  write_ends: 'integer[]',
  /** Null: nothing is forgotten. */
  write_keep_from: 'integer[]',
  /** Each event: which write, which stream, the how manieth of this commit in it. */
  event_writes: 'integer[]',
  event_streams: 'integer[]',
  event_places: 'integer[]',
  event_ids: 'text[]',
  event_types: 'text[]',
  event_schema_versions: 'integer[]',
  event_data: 'text[]',
  event_metadata: 'text[]',
  /** In the order in which they are locked. Without a value it is removed. */
  document_collections: 'text[]',
  document_ids: 'text[]',
  document_values: 'text[]',
  document_expected: 'bigint[]',
  out_partitions: 'integer[]',
  out_kinds: 'text[]',
  out_ids: 'text[]',
  out_keys: 'text[]',
  out_bodies: 'text[]',
  /** In the order in which they are locked. Without a body it is taken back. */
  due_names: 'text[]',
  due_ms: 'double precision[]',
  due_partitions: 'integer[]',
  due_kinds: 'text[]',
  due_ids: 'text[]',
  due_keys: 'text[]',
  due_bodies: 'text[]',
} as const;

const parameters = Object.entries(COMMIT_PARAMETERS)
  .map(([name, type]) => `p_${name} ${type}`)
  .join(', ');

/**
 * Everything that one unit of work wants written. What locks comes first and in one order for all: the message, the streams,
 * the documents; then they are checked, and only then is a position taken. What has to be undone is undone by an error that
 * the function itself catches, so that a lost race stands in no log.
 *
 * @param schema quoted
 */
export const commitFunctions = (schema: string): string => `
-- Null, or why nothing is written: each write after the other, as if those before it had happened. Looks for every id, and so
-- is asked only where something is not as it should be.
create or replace function ${schema}.judge(
  p_stream_ids bigint[], p_versions integer[], p_write_streams integer[], p_write_expected bigint[],
  p_event_writes integer[], p_event_ids text[]
) returns integer[] language plpgsql as $$
declare
  v_now integer[] := p_versions;
  v_fresh text[] := '{}';
  v_ids text[];
  v_first integer;
  v_taken bigint;
  v_repeat integer;
  v_appends boolean := false;
  v_conflict integer[];
  s integer;
begin
  for w in 1 .. cardinality(p_write_streams) loop
    s := p_write_streams[w];
    v_first := array_position(p_event_writes, w);
    v_ids := array(select e.id from unnest(p_event_writes, p_event_ids) with ordinality as e(write, id, at)
                   where e.write = w order by e.at);
    if ${schema}.is_repeat(p_stream_ids[s], v_ids) then
      v_repeat := coalesce(v_repeat, v_first);
    elsif not ${schema}.is_expected(v_now[s], p_write_expected[w]) then
      v_conflict := coalesce(v_conflict, array[${ANSWER.streamConflict}, w, v_now[s]]);
    else
      select min(i.at) into v_taken from unnest(v_ids) with ordinality as i(id, at)
      where i.id = any (v_fresh) or array_position(v_ids, i.id) < i.at
        or exists (select from ${schema}.events e where e.id = i.id);
      if v_taken is not null then return array[${ANSWER.taken}, v_first + v_taken - 1]; end if;
      v_fresh := v_fresh || v_ids;
      v_now[s] := v_now[s] + cardinality(v_ids);
      v_appends := true;
    end if;
  end loop;
  if v_repeat is not null and v_appends then return array[${ANSWER.taken}, v_repeat]; end if;
  if v_conflict is not null then return v_conflict; end if;
  return case when v_repeat is not null then array[${ANSWER.repeat}] end;
end $$;

-- False: it is not as expected.
create or replace function ${schema}.write_document(
  p_scope text, p_collection text, p_id text, p_value text, p_expected bigint
) returns boolean language plpgsql as $$
declare
  -- No document had it before, also none of this id that was removed: a transaction writes each once.
  v_another constant bigint := pg_current_xact_id()::text::bigint;
begin
  if p_value is null then
    delete from ${schema}.documents d where d.scope = p_scope and d.collection = p_collection and d.id = p_id
      and (p_expected = ${EXPECTED.any} or d.version = p_expected);
    return found or p_expected = ${EXPECTED.any} or p_expected = 0 and not exists (
      select from ${schema}.documents d where d.scope = p_scope and d.collection = p_collection and d.id = p_id);
  elsif p_expected > 0 then
    update ${schema}.documents d set value = p_value, version = v_another
    where d.scope = p_scope and d.collection = p_collection and d.id = p_id and d.version = p_expected;
  else
    insert into ${schema}.documents as d (scope, collection, id, value, version)
    select p_scope, p_collection, p_id, p_value, v_another where p_expected in (0, ${EXPECTED.any})
    on conflict (scope, collection, id) do update set value = excluded.value, version = excluded.version
    where p_expected = ${EXPECTED.any};
  end if;
  return found;
end $$;

-- Empties events below a version. The rows stay, with their ids: an id is taken for ever, and no position becomes a hole.
create or replace function ${schema}.forget(p_stream_id bigint, p_keep_from integer) returns void
language sql as $$
  update ${schema}.events e set type = '', data = '', metadata = '' from ${schema}.streams s
  where s.id = p_stream_id and e.stream_id = s.id and e.version >= s.kept_from and e.version < p_keep_from;
  update ${schema}.streams s set kept_from = p_keep_from where s.id = p_stream_id and s.kept_from < p_keep_from;
$$;

create or replace function ${schema}.commit(${parameters}) returns integer[] language plpgsql as $$
declare
  v_ids bigint[] := '{}';
  v_before integer[] := '{}';
  v_after integer[];
  v_id bigint;
  v_version integer;
  v_now integer[];
  v_verdict integer[];
  v_careful boolean := false;
  v_detail text;
  v_constraint text;
  s integer;
begin
  loop
    begin
      if p_consumer is not null then
        insert into ${schema}.inbox as i (consumer, message_id, handled, started, failed, time_ms)
        values (p_consumer, p_message_id, true, 0, 0, p_time_ms)
        on conflict (consumer, message_id) do update set handled = true, time_ms = excluded.time_ms where not i.handled;
        if not found then return array[${ANSWER.duplicate}]; end if;
      end if;

      for i in 1 .. cardinality(p_streams) loop
        update ${schema}.streams s set version = s.version + p_added[i]
        where s.scope = p_scope and s.name = p_streams[i] returning s.id, s.version into v_id, v_version;
        if v_id is null then
          insert into ${schema}.streams as s (scope, category, name, version)
          values (p_scope, left(p_streams[i], greatest(strpos(p_streams[i], '-') - 1, 0)), p_streams[i], p_added[i])
          on conflict (scope, name) do update set version = s.version + p_added[i]
          returning s.id, s.version into v_id, v_version;
        end if;
        v_ids[i] := v_id;
        v_after[i] := v_version;
        v_before[i] := v_version - p_added[i];
      end loop;

      v_now := v_before;
      for w in 1 .. cardinality(p_write_streams) loop
        s := p_write_streams[w];
        v_careful := v_careful or not ${schema}.is_expected(v_now[s], p_write_expected[w]);
        v_now[s] := v_before[s] + p_write_ends[w];
      end loop;
      if v_careful then
        v_verdict := ${schema}.judge(v_ids, v_before, p_write_streams, p_write_expected, p_event_writes, p_event_ids);
        if v_verdict[1] <> ${ANSWER.repeat} then
          raise exception using errcode = '${UNDO}', detail = v_verdict::text;
        end if;
      end if;

      for i in 1 .. cardinality(p_document_ids) loop
        if not ${schema}.write_document(p_scope, p_document_collections[i], p_document_ids[i], p_document_values[i], p_document_expected[i]) then
          raise exception using errcode = '${UNDO}', detail = array[${ANSWER.conflict}]::text;
        end if;
      end loop;
      if v_verdict[1] = ${ANSWER.repeat} then
        raise exception using errcode = '${UNDO}', detail = (${ANSWER.committed} || v_before)::text;
      end if;

      if cardinality(p_event_ids) > 0 then
        insert into ${schema}.events (stream_id, version, time_ms, id, type, schema_version, data, metadata)
        select v_ids[e.stream], v_before[e.stream] + e.place, p_time_ms, e.id, e.type, e.schema_version, e.data, e.metadata
        from unnest(p_event_streams, p_event_places, p_event_ids, p_event_types, p_event_schema_versions, p_event_data, p_event_metadata)
          as e(stream, place, id, type, schema_version, data, metadata);
      end if;
      for w in 1 .. cardinality(p_write_keep_from) loop
        s := p_write_streams[w];
        if p_write_keep_from[w] is not null then
          perform ${schema}.forget(v_ids[s], least(p_write_keep_from[w], v_before[s] + p_write_ends[w]));
        end if;
      end loop;
      if cardinality(p_out_ids) > 0 then
        insert into ${schema}.outbox (partition, kind, id, key, body)
        select * from unnest(p_out_partitions, p_out_kinds, p_out_ids, p_out_keys, p_out_bodies);
      end if;
      for i in 1 .. cardinality(p_due_names) loop
        if p_due_bodies[i] is null then
          delete from ${schema}.schedule d where d.scope = p_scope and d.name = p_due_names[i];
        else
          insert into ${schema}.schedule (scope, name, due_ms, partition, kind, id, key, body)
          values (p_scope, p_due_names[i], p_due_ms[i], p_due_partitions[i], p_due_kinds[i], p_due_ids[i], p_due_keys[i], p_due_bodies[i])
          on conflict (scope, name) do update set due_ms = excluded.due_ms, partition = excluded.partition,
            kind = excluded.kind, id = excluded.id, key = excluded.key, body = excluded.body;
        end if;
      end loop;
      return ${ANSWER.committed} || v_after;
    exception
      when sqlstate '${UNDO}' then
        get stacked diagnostics v_detail = pg_exception_detail;
        return v_detail::integer[];
      when unique_violation then
        get stacked diagnostics v_constraint = constraint_name;
        if v_constraint <> 'events_id' then raise; end if;
        v_careful := true; -- somebody has that id: once more, to say whose it is
    end;
  end loop;
end $$;
`;
