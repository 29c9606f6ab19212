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

/**
 * What `commit` asks and does beside its locks.
 *
 * @param schema quoted
 */
export const judgeFunctions = (schema: string): string => `
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
`;
