import { ANSWER } from './sql-judge.ts';

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
